// The grids of a multigrid hierarchy on a device, as kernels/device/levels.py lays them out, and the 3-point Laplacian.
// What is computed and why is told in kernels/multigrid.py and kernels/dsa.py.
#pragma once

#include <cstdint>

#include "portable.h"

namespace mlmd {
namespace MLMD_ISA {

// One grid; offsets are into the tables and the scratch of a hierarchy.
struct Level {
    int64_t n[3], periodic[3];
    int64_t links[3];   // two neighbours on the next grid for each point of an axis
    int64_t shares[3];  // SHARES points of this grid for each of the next one, counted on beyond the ends of an axis
    int64_t reach[3];   // how many of these can have a weight
    int64_t v, rhs, a, b;
    int64_t unused;

    MLMD_INLINE int64_t plane() const { return n[1] * n[2]; }
    MLMD_INLINE int64_t points() const { return n[0] * n[1] * n[2]; }
    MLMD_INLINE bool inside(int axis, int64_t j) const { return periodic[axis] || (j >= 0 && j < n[axis]); }
    MLMD_INLINE int64_t wrapped(int axis, int64_t j) const {
        while (j < 0) j += n[axis];
        while (j >= n[axis]) j -= n[axis];
        return j;
    }
};

struct Stencil {
    double a[3];       // 1 / h^2
    double weight[2];  // of the two sweeps; the first one of the last grid is the inverse of its diagonal
    double share;      // of the Jacobi correction in DSA's inverse mass
    double scale;      // of the residual on its way to the next grid
    double unused;
};

constexpr int SHARES = 4;
constexpr int64_t HEADER = 8;
constexpr int64_t LEVEL_WORDS = sizeof(Level) / sizeof(int64_t), STENCIL_WORDS = sizeof(Stencil) / sizeof(double);

struct Link {
    int64_t low, high;
    double low_weight, high_weight;
};

struct Hierarchy {
    const int64_t *map;
    const double *table;
    double *work;

    MLMD_INLINE int64_t levels() const { return map[0]; }
    MLMD_INLINE const double *zeros() const { return work + map[1]; }
    MLMD_INLINE double *window(int64_t task) const { return work + map[2] + task * map[3]; }
    MLMD_INLINE double *sums() const { return work + map[4]; }
    MLMD_INLINE Level level(int64_t k) const {
        return *reinterpret_cast<const Level *>(map + HEADER + k * LEVEL_WORDS);
    }
    MLMD_INLINE Stencil stencil(int64_t k) const {
        return *reinterpret_cast<const Stencil *>(table + k * STENCIL_WORDS);
    }
    MLMD_INLINE const int64_t *places(int64_t offset) const { return map + HEADER + levels() * LEVEL_WORDS + offset; }
    MLMD_INLINE const double *weights(int64_t offset) const { return table + levels() * STENCIL_WORDS + offset; }
    MLMD_INLINE Link link(const Level &fine, int axis, int64_t j) const {
        const int64_t *place = places(fine.links[axis] + 2 * j);
        const double *weight = weights(fine.links[axis] + 2 * j);
        return {place[0], place[1], weight[0], weight[1]};
    }
};

// A point and its neighbours, or a register full of points of a row along z.
template <class V>
struct Star {
    V here, left, right, down, up, before, after;
};

// laplacian v + rhs
template <class V>
MLMD_INLINE V residual(const Stencil &s, const Star<V> &v, V rhs) {
    const V x = (v.left - v.here) + (v.right - v.here), y = (v.down - v.here) + (v.up - v.here);
    return rhs + s.a[0] * x + s.a[1] * y + s.a[2] * ((v.before - v.here) + (v.after - v.here));
}

// v + weight (laplacian v + rhs)
template <class V>
MLMD_INLINE V relaxed(const Stencil &s, double weight, const Star<V> &v, V rhs) {
    const double keep = 1.0 - 2.0 * weight * (s.a[0] + s.a[1] + s.a[2]);
    return keep * v.here + weight * rhs + (weight * s.a[0]) * (v.left + v.right) +
           (weight * s.a[1]) * (v.down + v.up) + (weight * s.a[2]) * (v.before + v.after);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
