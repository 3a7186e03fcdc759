// Work items that share a stretch of memory: where one is, and what it says to its neighbours.
//
// LANES neighbouring items, a part of a warp or a sub-group, can add up their numbers; a group of items has memory of
// its own and waits for all of its items.  All items must arrive at each sum and at each wait.
#pragma once

#include <cstdint>

#include "portable.h"

#if defined(SYCL_LANGUAGE_VERSION)
#define MLMD_GROUP_KERNEL                                                                              \
    extern "C" SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::nd_range_kernel<1>)) \
        SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::sub_group_size<16>)) void
#define MLMD_GROUP_MEMORY(T, size, name)                                               \
    static sycl::ext::oneapi::experimental::work_group_static<T[(size)]> name##_of_group; \
    T *const name = *&name##_of_group
#else
#define MLMD_GROUP_KERNEL extern "C" __global__ void
#define MLMD_GROUP_MEMORY(T, size, name) __shared__ T name[size]
#endif

namespace mlmd {
namespace MLMD_ISA {

constexpr int LANES = 16;
constexpr int GROUP = 256;  // work items

// Which group, of how many; which work item in it.
struct Here {
    int64_t group, groups;
    int item;
};

#if defined(SYCL_LANGUAGE_VERSION)
inline Here here() {
    const auto at = sycl::ext::oneapi::this_work_item::get_nd_item<1>();
    return {int64_t(at.get_group(0)), int64_t(at.get_group_range(0)), int(at.get_local_id(0))};
}

inline void wait_for_group() { sycl::group_barrier(sycl::ext::oneapi::this_work_item::get_work_group<1>()); }

inline double from_lane(double x, int across) {
    return sycl::permute_group_by_xor(sycl::ext::oneapi::this_work_item::get_sub_group(), x, across);
}
#else
__device__ inline Here here() { return {blockIdx.x, gridDim.x, int(threadIdx.x)}; }

__device__ inline void wait_for_group() { __syncthreads(); }

__device__ inline double from_lane(double x, int across) {
#if defined(__HIPCC__)
    return __shfl_xor(x, across);
#else
    return __shfl_xor_sync(0xffffffffu, x, across);
#endif
}
#endif

#if defined(SYCL_LANGUAGE_VERSION)
#define MLMD_ON_DEVICE inline
#else
#define MLMD_ON_DEVICE __device__ inline
#endif

// Sum over so many neighbours, a power of two up to LANES; each of them gets it.
MLMD_ON_DEVICE double lane_sum(double x, int lanes) {
    for (int across = lanes / 2; across > 0; across /= 2) x += from_lane(x, across);
    return x;
}

}  // namespace MLMD_ISA
}  // namespace mlmd
