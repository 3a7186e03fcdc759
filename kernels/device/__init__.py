"""Kernels on a device (SYCL, CUDA): what is launched, with which sizes.  The first argument is the device."""
