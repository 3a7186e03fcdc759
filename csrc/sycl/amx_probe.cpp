// One product of matrix tiles, by which it is found out whether the driver can make code for them.
#include "items.h"

namespace mx = sycl::ext::oneapi::experimental::matrix;
using sycl::ext::oneapi::bfloat16;

template <class T>
auto global(T *p) {
    return sycl::address_space_cast<sycl::access::address_space::global_space, sycl::access::decorated::no>(p);
}

// c (16, 16) = a b of a (16, 32) and b, (32, 16) in pairs of rows, all of ones.
extern "C" SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::nd_range_kernel<1>))
    SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::sub_group_size<16>)) void
    tile_product(bfloat16 *ones, float *c) {
    const auto sub = sycl::ext::oneapi::this_work_item::get_nd_item<1>().get_sub_group();
    mx::joint_matrix<sycl::sub_group, bfloat16, mx::use::a, 16, 32, mx::layout::row_major> a;
    mx::joint_matrix<sycl::sub_group, bfloat16, mx::use::b, 32, 16, mx::layout::ext_intel_packed> b;
    mx::joint_matrix<sycl::sub_group, float, mx::use::accumulator, 16, 16> sum;
    mx::joint_matrix_load(sub, a, global(ones), 32);
    mx::joint_matrix_load(sub, b, global(ones), 32);
    mx::joint_matrix_load(sub, sum, global(c), 16, mx::layout::row_major);
    mx::joint_matrix_mad(sub, sum, a, b, sum);
    mx::joint_matrix_store(sub, sum, global(c), 16, mx::layout::row_major);
}
