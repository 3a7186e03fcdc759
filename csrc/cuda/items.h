// How a CUDA kernel is declared, and where a work item is; the last dimension is CUDA's x.
#pragma once

#include <cstdint>

#define MLMD_KERNEL(dimensions) extern "C" __global__ void

__device__ inline int64_t item() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t row() { return int64_t(blockIdx.y) * blockDim.y + threadIdx.y; }
__device__ inline int64_t column() { return item(); }
