// Multigrid and DSA on the small grids: all of them by one group of work items, which wait for one another.
#pragma once

#include "poisson_points.h"
#include "teams.h"

namespace mlmd {
namespace MLMD_ISA {

// Calls work(p) over the points that are this item's; all wait for all at the end.
template <class Work>
MLMD_ON_DEVICE void for_points(const Team &team, int64_t points, Work &&work) {
    for (int64_t p = team.rank; p < points; p += team.size) work(p);
    team.wait();
}

// A V-cycle from zeros on the grids from `first` on, by one group.
MLMD_ON_DEVICE void cycle_small(const Team &team, const Hierarchy &grids, int64_t first) {
    const int64_t last = grids.levels() - 1;
    double *work = grids.work;
    for (int64_t k = first; k < last; ++k) {
        const Level level = grids.level(k), next = grids.level(k + 1);
        const Stencil s = grids.stencil(k);
        for_points(team, level.points(), [&](int64_t p) {
            const SweptZeros start = {work + level.rhs, s.weight[0]};
            work[level.a + p] = relaxed_at(level, s, s.weight[1], start, work + level.rhs, p);
        });
        for_points(team, next.points(), [&](int64_t p) {
            const Residual left = {s, work + level.a, work + level.rhs};
            work[next.rhs + p] = restricted_at(grids, level, next, s.scale, left, p);
        });
    }
    const Level one = grids.level(last);
    for_points(team, 1, [&](int64_t) { work[one.v] = grids.stencil(last).weight[0] * work[one.rhs]; });
    for (int64_t k = last - 1; k >= first; --k) {
        const Level level = grids.level(k), next = grids.level(k + 1);
        const Stencil s = grids.stencil(k);
        for_points(team, level.points(), [&](int64_t p) {
            const Corrected start = {{work + level.a}, {grids, next, work + next.v}};
            work[level.b + p] = relaxed_at(level, s, s.weight[0], start, work + level.rhs, p);
        });
        for_points(team, level.points(), [&](int64_t p) {
            work[level.v + p] = relaxed_at(level, s, s.weight[1], Stored{work + level.b}, work + level.rhs, p);
        });
    }
}

// DSA's inverse mass on the right-hand sides of the grids from `first` on, by one group.
MLMD_ON_DEVICE void accelerate_small(const Team &team, const Hierarchy &grids, int64_t first) {
    const int64_t last = grids.levels() - 1;
    double *work = grids.work;
    for (int64_t k = first; k < last; ++k) {
        const Level level = grids.level(k), next = grids.level(k + 1);
        const double scale = grids.stencil(k).scale;
        for_points(team, next.points(), [&](int64_t p) {
            work[next.rhs + p] = restricted_at(grids, level, next, scale, Stored{work + level.rhs}, p);
        });
    }
    const Level one = grids.level(last);
    for_points(team, 1, [&](int64_t) { work[one.v] = grids.stencil(last).share * work[one.rhs]; });
    for (int64_t k = last - 1; k >= first; --k) {
        const Level level = grids.level(k);
        const Interpolated correction = {grids, grids.level(k + 1), work + grids.level(k + 1).v};
        const double share = grids.stencil(k).share;
        for_points(team, level.points(), [&](int64_t p) {
            work[level.v + p] = share * work[level.rhs + p] + correction(level, place_of(level, p));
        });
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
