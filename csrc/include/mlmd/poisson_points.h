// Multigrid and DSA point by point: each function is the work of one item, or of a group of items for the small grids.
#pragma once

#include "poisson_level.h"

namespace mlmd {
namespace MLMD_ISA {

struct Place {
    int64_t x, y, z;
};

MLMD_INLINE Place place_of(const Level &level, int64_t p) {
    const uint32_t point = static_cast<uint32_t>(p), nz = static_cast<uint32_t>(level.n[2]);
    const uint32_t ny = static_cast<uint32_t>(level.n[1]), row = point / nz, x = row / ny;
    return {x, row - x * ny, point - row * nz};
}

MLMD_INLINE int64_t index_of(const Level &level, const Place &at) { return (at.x * level.n[1] + at.y) * level.n[2] + at.z; }

struct Stored {
    const double *field;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const { return field[index_of(level, at)]; }
};

// What a first sweep makes of zeros.
struct SweptZeros {
    const double *rhs;
    double weight;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const { return weight * rhs[index_of(level, at)]; }
};

// The field of the next grid between its points.
struct Interpolated {
    Hierarchy grids;
    Level coarse;
    const double *field;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const {
        const Link x = grids.link(level, 0, at.x), y = grids.link(level, 1, at.y), z = grids.link(level, 2, at.z);
        const auto row = [&](int64_t X, int64_t Y) {
            const double *from = field + (X * coarse.n[1] + Y) * coarse.n[2];
            return z.low_weight * from[z.low] + z.high_weight * from[z.high];
        };
        return x.low_weight * (y.low_weight * row(x.low, y.low) + y.high_weight * row(x.low, y.high)) +
               x.high_weight * (y.low_weight * row(x.high, y.low) + y.high_weight * row(x.high, y.high));
    }
};

struct Corrected {
    Stored field;
    Interpolated correction;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const {
        return field(level, at) + correction(level, at);
    }
};

template <class Field>
MLMD_INLINE double neighbour(const Level &level, const Field &field, Place at, int axis, int64_t step) {
    int64_t &j = axis == 0 ? at.x : axis == 1 ? at.y : at.z;
    j += step;
    if (!level.inside(axis, j)) return 0.0;
    j = level.wrapped(axis, j);
    return field(level, at);
}

template <class Field>
MLMD_INLINE Star<double> star_of(const Level &level, const Field &field, const Place &at) {
    const auto next = [&](int axis, int64_t step) { return neighbour(level, field, at, axis, step); };
    return {field(level, at), next(0, -1), next(0, 1), next(1, -1), next(1, 1), next(2, -1), next(2, 1)};
}

template <class Field>
MLMD_INLINE double relaxed_at(const Level &level, const Stencil &s, double weight, const Field &field,
                              const double *rhs, int64_t p) {
    return relaxed(s, weight, star_of(level, field, place_of(level, p)), rhs[p]);
}

MLMD_INLINE double residual_at(const Level &level, const Stencil &s, const double *v, const double *rhs, int64_t p) {
    return residual(s, star_of(level, Stored{v}, place_of(level, p)), rhs[p]);
}

struct Residual {
    const Stencil &s;
    const double *v, *rhs;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const {
        return residual(s, star_of(level, Stored{v}, at), rhs[index_of(level, at)]);
    }
};

// Point p of the next grid: the sum over the points of this grid that it shares in.
template <class Field>
MLMD_INLINE double restricted_at(const Hierarchy &grids, const Level &level, const Level &coarse, double scale,
                                 const Field &field, int64_t p) {
    const Place to = place_of(coarse, p);
    const int64_t firsts[3] = {SHARES * to.x, SHARES * to.y, SHARES * to.z};
    const int64_t *places[3];
    const double *weights[3];
    for (int axis = 0; axis < 3; ++axis) {
        places[axis] = grids.places(level.shares[axis] + firsts[axis]);
        weights[axis] = grids.weights(level.shares[axis] + firsts[axis]);
    }
    double total = 0.0;
    for (int64_t i = 0; i < level.reach[0]; ++i)
        for (int64_t j = 0; j < level.reach[1]; ++j) {
            const int64_t x = level.wrapped(0, places[0][i]), y = level.wrapped(1, places[1][j]);
            double row = 0.0;
            for (int64_t k = 0; k < level.reach[2]; ++k)
                row += weights[2][k] * field(level, {x, y, level.wrapped(2, places[2][k])});
            total += weights[0][i] * weights[1][j] * row;
        }
    return scale * total;
}

// Calls work(p) over the points that are this item's; all wait for all at the end.
template <class Team, class Work>
MLMD_INLINE void for_points(const Team &team, int64_t points, Work &&work) {
    for (int64_t p = team.rank; p < points; p += team.size) work(p);
    team.wait();
}

// A V-cycle from zeros on the grids from `first` on, by one group.
template <class Team>
MLMD_INLINE void cycle_small(const Team &team, const Hierarchy &grids, int64_t first) {
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
template <class Team>
MLMD_INLINE void accelerate_small(const Team &team, const Hierarchy &grids, int64_t first) {
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

// The sum of n numbers by one group, in an order that depends on n and the group's size only; `x` is overwritten.
template <class Team>
MLMD_INLINE double sum_small(const Team &team, double *x, int64_t n) {
    double total = 0.0;
    for (int64_t p = team.rank; p < n; p += team.size) total += x[p];
    team.wait();
    if (team.rank < n) x[team.rank] = total;
    team.wait();
    int64_t left = team.size < n ? team.size : n;
    while (left > 1) {
        const int64_t half = (left + 1) / 2;
        if (team.rank + half < left) x[team.rank] += x[team.rank + half];
        team.wait();
        left = half;
    }
    return x[0];
}

}  // namespace MLMD_ISA
}  // namespace mlmd
