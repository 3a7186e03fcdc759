// Kernels of the Hartree plan's field arithmetic for GPUs, where many work items share each access to memory.
#pragma once

#include "hartree_fields.h"
#include "teams.h"

using namespace mlmd::MLMD_ISA;

MLMD_GROUP_KERNEL sum_items(const double *x, double *parts, int64_t points, int items) {
    if (own_item() >= items) return;
    double total = 0.0;
    for (int64_t p = own_item(); p < points; p += items) total += x[p];
    parts[own_item()] = total;
}

MLMD_GROUP_KERNEL total_group(double *parts, double *total, int items) {
    const Team team = own_team();
    const double sum = sum_small(team, parts, items);
    if (team.rank == 0) total[0] = sum;
}

MLMD_GROUP_KERNEL source_items(const double *n, const double *parts, int count, double *rhs,
                               int64_t points) {
    if (own_item() < points) source(OneDouble{}, n, mean_of(parts, count, points), rhs, own_item());
}

MLMD_GROUP_KERNEL centre_items(const double *parts, int count, double *v, int64_t points) {
    if (own_item() < points) centre(OneDouble{}, mean_of(parts, count, points), v, own_item());
}

MLMD_GROUP_KERNEL predict_items(double *v, double *before, const double *velocity,
                                const double *acceleration, int order, int64_t points) {
    if (own_item() < points) predict(OneDouble{}, v, before, velocity, acceleration, order, own_item());
}

MLMD_GROUP_KERNEL follow_items(const double *v, const double *before, double *velocity, double *acceleration,
                               int64_t points) {
    if (own_item() < points) follow(OneDouble{}, v, before, velocity, acceleration, own_item());
}
