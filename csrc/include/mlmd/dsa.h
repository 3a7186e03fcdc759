// A sweep of dynamical simulated annealing, point by point; what it does and why is told in kernels/dsa.py.
#pragma once

#include "poisson_points.h"

namespace mlmd {
namespace MLMD_ISA {

// How a point moves: it keeps a part of its motion, and the pull adds to it.
struct Push {
    double keep, gain, share;
    template <class V>
    MLMD_INLINE V moved(V motion, V left, V coarse) const {
        return keep * motion + gain * (share * left + coarse);
    }
};

MLMD_INLINE void pull_point(const Hierarchy &grids, const double *v, const double *rhs, double *left, int64_t p) {
    const Level level = grids.level(0);
    if (p < level.points()) left[p] = residual_at(level, grids.stencil(0), v, rhs, p);
}

// `from` on grid `depth` to the next one.
MLMD_INLINE void restrict_point(const Hierarchy &grids, const double *from, int depth, int64_t p) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    if (p >= next.points()) return;
    grids.work[next.rhs + p] = restricted_at(grids, level, next, grids.stencil(depth).scale, Stored{from}, p);
}

MLMD_INLINE void accelerate_point(const Hierarchy &grids, int depth, int64_t p) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    if (p >= level.points()) return;
    const Interpolated coarse = {grids, next, grids.work + next.v};
    const double own = grids.stencil(depth).share * grids.work[level.rhs + p];
    grids.work[level.v + p] = own + coarse(level, place_of(level, p));
}

MLMD_INLINE void move_point(const Hierarchy &grids, double *v, double *motion, const double *left, double keep,
                            double gain, int64_t p) {
    const Level level = grids.level(0), next = grids.level(1);
    if (p >= level.points()) return;
    const Interpolated coarse = {grids, next, grids.work + next.v};
    const Push push = {keep, gain, grids.stencil(0).share};
    motion[p] = push.moved(motion[p], left[p], coarse(level, place_of(level, p)));
    v[p] += motion[p];
}

}  // namespace MLMD_ISA
}  // namespace mlmd
