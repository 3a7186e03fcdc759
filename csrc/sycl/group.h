// Who works together on the small grids.
#pragma once

#include "items.h"

struct Group {
    int64_t rank = sycl::ext::oneapi::this_work_item::get_nd_item<1>().get_local_id(0);
    int64_t size = sycl::ext::oneapi::this_work_item::get_nd_item<1>().get_local_range(0);
    void wait() const { sycl::group_barrier(sycl::ext::oneapi::this_work_item::get_work_group<1>()); }
};
