// Multigrid and DSA point by point: each function is the work of one item.
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

MLMD_INLINE int64_t index_of(const Level &level, const Place &at) {
    return (at.x * level.n[1] + at.y) * level.n[2] + at.z;
}

struct Stored {
    const double *field;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const { return field[index_of(level, at)]; }
};

// What a first sweep makes of zeros.
struct SweptZeros {
    const double *rhs;
    double weight;
    MLMD_INLINE double operator()(const Level &level, const Place &at) const {
        return weight * rhs[index_of(level, at)];
    }
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

}  // namespace MLMD_ISA
}  // namespace mlmd
