// The three waves at once, where each is a chain: two points of two lines of two planes arrive, eight numbers for each
// lane.  They turn along z against the two points before, kept in registers; what z is done with turns along y against
// the two lines before; what y is done with turns along x against the two planes before; what x is done with leaves.
// So a number is loaded and stored three times in all.  Memory is asked for the next two lines of a plane
// meanwhile: processors look ahead within a page, and a line can be longer.
#pragma once

#include "gauge.h"
#include "mlmd/simd.h"
#include "turns.h"

namespace mlmd {
namespace MLMD_ISA {

// Tangents of the chains along x, y and z.
template <class T>
struct Tangents {
    T of[3][3];
};

// Line y of plane x, how many reals it is to the next plane and line, and by plane and line the phases of lines y and
// y + 1 of planes x and x + 1, which arrive, and of lines y - 2 and y - 1 of planes x - 2 and x - 1, which leave.
template <class T>
struct Corner {
    T *line;
    int64_t plane_step, line_step;
    const Gauge<T> *in[2][2], *out[2][2];
};

// Numbers on their way, by plane, line and point.
template <class P>
struct Moving {
    P near[2][2][2];  // of lines y and y + 1, not yet done with z
    P done[2][2][2];  // of lines y - 2 and y - 1, done with y
};

// Points z - 1 and z arrive; at is the place of point z - 3.
template <class P, class T>
MLMD_INLINE void arrive(const Corner<T> &corner, T *at, int64_t z, const Tangents<T> &tangents, Moving<P> &moving) {
    constexpr int64_t W = P::SIZE;
    const int64_t plane = corner.plane_step, line = corner.line_step;
#pragma GCC unroll 2
    for (int p = 0; p < 2; ++p) {
        P fresh[2][2];
#pragma GCC unroll 2
        for (int l = 0; l < 2; ++l) {
            T *here = at + p * plane + l * line;
            const Gauge<T> *gauge = corner.in[p][l] + z;
            P *near = moving.near[p][l];
            __builtin_prefetch(here + 2 * W + 2 * line, 0, 2);
            __builtin_prefetch(here + 3 * W + 2 * line, 0, 2);
            P c = entered(P::load(here + 2 * W), gauge[-1]), d = entered(P::load(here + 3 * W), gauge[0]);
            chain(near[0], near[1], c, d, tangents.of[2]);
            fresh[l][0] = near[0];
            fresh[l][1] = near[1];
            near[0] = c;
            near[1] = d;
        }
#pragma GCC unroll 2
        for (int k = 0; k < 2; ++k) {
            T *here = at + p * plane + k * W;
            P a = P::load(here - 2 * line), b = P::load(here - line);
            chain(a, b, fresh[0][k], fresh[1][k], tangents.of[1]);
            fresh[0][k].store(here);
            fresh[1][k].store(here + line);
            moving.done[p][0][k] = a;
            moving.done[p][1][k] = b;
        }
    }
}

// What y is done with turns along x, if there is a chain.
template <bool CHAIN, class P, class T>
MLMD_INLINE void leave(const Corner<T> &corner, T *at, int64_t z, const Tangents<T> &tangents, Moving<P> &moving) {
    const int64_t plane = corner.plane_step, line = corner.line_step;
#pragma GCC unroll 2
    for (int l = 0; l < 2; ++l) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; ++k) {
            T *here = at + (l - 2) * line + k * P::SIZE;
            P &c = moving.done[0][l][k], &d = moving.done[1][l][k];
            if constexpr (CHAIN) {
                P a = P::load(here - 2 * plane), b = P::load(here - plane);
                chain(a, b, c, d, tangents.of[0]);
                const Gauge<T> &of_a = corner.out[0][l][z - 3 + k], &of_b = corner.out[1][l][z - 3 + k];
                scaled(a, of_a.high, of_a.low).store(here - 2 * plane);
                scaled(b, of_b.high, of_b.low).store(here - plane);
            }
            c.store(here);
            d.store(here + plane);
        }
    }
}

// Arrivals begin, begin + 2, ... below end of chains along z; points from begin - 3 on and below end - 3 are then done
// with z and y, and with x if it has a chain (CHAIN).  Tangents come as a copy: stores to psi might change others.
template <class P, bool CHAIN, class T>
void turn_chains(const Corner<T> &corner, int64_t begin, int64_t end, const Tangents<T> tangents) {
    constexpr int64_t W = P::SIZE;
    const int64_t plane = corner.plane_step, line = corner.line_step;
    T *at = corner.line + (begin - 3) * W;
    Moving<P> moving;
    for (int p = 0; p < 2; ++p)
        for (int l = 0; l < 2; ++l)
            for (int k = 0; k < 2; ++k) moving.near[p][l][k] = P::load(at + p * plane + l * line + k * W);
    for (int64_t z = begin; z < end; z += 2, at += 2 * W) {
        arrive(corner, at, z, tangents, moving);
        leave<CHAIN>(corner, at, z, tangents, moving);
    }
    for (int p = 0; p < 2; ++p)
        for (int l = 0; l < 2; ++l)
            for (int k = 0; k < 2; ++k) moving.near[p][l][k].store(at + p * plane + l * line + k * W);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
