// Kernels of DSA for GPUs, where many work items share each access to memory.
#pragma once

#include "dsa.h"
#include "poisson_groups.h"

using namespace mlmd::MLMD_ISA;

MLMD_GROUP_KERNEL pull_items(const int64_t *map, const double *table, double *work, const double *v,
                             const double *rhs, double *left) {
    pull_point({map, table, work}, v, rhs, left, own_item());
}

MLMD_GROUP_KERNEL restrict_items(const int64_t *map, const double *table, double *work, const double *from,
                                 int depth) {
    restrict_point({map, table, work}, from, depth, own_item());
}

MLMD_GROUP_KERNEL accelerate_items(const int64_t *map, const double *table, double *work, int depth) {
    accelerate_point({map, table, work}, depth, own_item());
}

MLMD_GROUP_KERNEL move_items(const int64_t *map, const double *table, double *work, double *v,
                             double *motion, const double *left, double keep, double gain) {
    move_point({map, table, work}, v, motion, left, keep, gain, own_item());
}

MLMD_GROUP_KERNEL small_group(const int64_t *map, const double *table, double *work, int first) {
    accelerate_small(own_team(), {map, table, work}, first);
}
