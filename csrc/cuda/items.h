// How a CUDA kernel is declared, and where a work item is; the last dimension is CUDA's x.
#pragma once

#include <cstdint>

#define MLMD_KERNEL(dimensions) extern "C" __global__ void
// The most work items in a group, and groups that should fit a multiprocessor at once: what the compiler may spend on
// registers follows from these.
#define MLMD_KERNEL_OF(items, groups) extern "C" __global__ void __launch_bounds__(items, groups)

__device__ inline int64_t item() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t row() { return int64_t(blockIdx.y) * blockDim.y + threadIdx.y; }
__device__ inline int64_t column() { return item(); }
__device__ inline int64_t rows_at_once() { return int64_t(gridDim.y) * blockDim.y; }
