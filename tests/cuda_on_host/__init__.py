"""The CUDA kernels on the processor: their sources compiled by the C++ compiler, behind a device as plans know it."""

from .device import BACKEND, HostCudaDevice

__all__ = ["BACKEND", "HostCudaDevice"]
