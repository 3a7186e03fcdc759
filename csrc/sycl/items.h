// How a SYCL kernel is declared, and where a work item is.
//
// Processors get tasks: groups of one work item each, which work on stretches of memory with vector registers.  GPUs
// get many work items that share each of these stretches; the kernels for them are the same as for CUDA.
#pragma once

#include <sycl/sycl.hpp>

#define MLMD_VECTOR_BYTES 64

#define MLMD_KERNEL(dimensions) \
    extern "C" SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::nd_range_kernel<dimensions>)) void

inline int64_t task() { return sycl::ext::oneapi::this_work_item::get_nd_item<1>().get_group(0); }
inline int64_t item() { return sycl::ext::oneapi::this_work_item::get_nd_item<1>().get_global_id(0); }
inline int64_t row() { return sycl::ext::oneapi::this_work_item::get_nd_item<2>().get_global_id(0); }
inline int64_t column() { return sycl::ext::oneapi::this_work_item::get_nd_item<2>().get_global_id(1); }
inline int64_t rows_at_once() { return sycl::ext::oneapi::this_work_item::get_nd_item<2>().get_global_range(0); }
