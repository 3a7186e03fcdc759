// Kernels of multigrid for GPUs, where many work items share each access to memory.
#pragma once

#include "poisson_groups.h"

using namespace mlmd::MLMD_ISA;

MLMD_GROUP_KERNEL relax_items(const int64_t *map, const double *table, double *work, const double *v,
                              const double *rhs, double *out, int depth, int sweep) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(depth);
    if (own_item() >= level.points()) return;
    const Stencil s = grids.stencil(depth);
    out[own_item()] = relaxed_at(level, s, s.weight[sweep], Stored{v}, rhs, own_item());
}

MLMD_GROUP_KERNEL relax_zeros_items(const int64_t *map, const double *table, double *work, const double *rhs,
                                    double *out, int depth) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(depth);
    if (own_item() >= level.points()) return;
    const Stencil s = grids.stencil(depth);
    out[own_item()] = relaxed_at(level, s, s.weight[1], SweptZeros{rhs, s.weight[0]}, rhs, own_item());
}

MLMD_GROUP_KERNEL restrict_items(const int64_t *map, const double *table, double *work, const double *v,
                                 const double *rhs, int depth) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    if (own_item() >= next.points()) return;
    const Stencil s = grids.stencil(depth);
    work[next.rhs + own_item()] = restricted_at(grids, level, next, s.scale, Residual{s, v, rhs}, own_item());
}

MLMD_GROUP_KERNEL correct_items(const int64_t *map, const double *table, double *work, const double *v,
                                const double *rhs, double *out, int depth) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    if (own_item() >= level.points()) return;
    const Stencil s = grids.stencil(depth);
    const Corrected start = {{v}, {grids, next, work + next.v}};
    out[own_item()] = relaxed_at(level, s, s.weight[0], start, rhs, own_item());
}

MLMD_GROUP_KERNEL small_group(const int64_t *map, const double *table, double *work, int first) {
    cycle_small(own_team(), {map, table, work}, first);
}

MLMD_GROUP_KERNEL squares_items(const int64_t *map, const double *table, double *work, const double *v,
                                const double *rhs, int items, int of_rhs) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0);
    if (own_item() >= items) return;
    const Stencil s = grids.stencil(0);
    double total = 0.0;
    for (int64_t p = own_item(); p < level.points(); p += items) {
        const double r = of_rhs ? rhs[p] : residual_at(level, s, v, rhs, p);
        total += r * r;
    }
    grids.sums()[own_item()] = total;
}

MLMD_GROUP_KERNEL sum_group(const int64_t *map, const double *table, double *work, double *result, int n) {
    const Hierarchy grids = {map, table, work};
    const Team team = own_team();
    const double total = sum_small(team, grids.sums(), n);
    if (team.rank == 0) result[0] = total;
}
