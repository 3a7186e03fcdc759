// Density: the weighted squares of the orbitals of each grid point, summed in double precision.
#pragma once

#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {

// The density of some points in a row: independent sums hide the latency of the additions.
template <int POINTS, class P, class T, class Orbitals>
MLMD_INLINE void point_densities(const T *psi, const Orbitals &orbitals, double *n) {
    P sums[POINTS];
    MLMD_UNROLL
    for (int q = 0; q < POINTS; ++q) sums[q] = P::zero();
    orbitals.each([&](int64_t i, P weight) MLMD_LAMBDA {
        MLMD_UNROLL
        for (int q = 0; q < POINTS; ++q) {
            const P x = widened<P>(psi + q * orbitals.width() + i);
            sums[q].v = (weight.v * x.v) * x.v + sums[q].v;
        }
    });
    MLMD_UNROLL
    for (int q = 0; q < POINTS; ++q) n[q] = orbitals.sum(sums[q]);
}

template <class P, class T, class Orbitals>
MLMD_INLINE void densities(const T *psi, const Orbitals &orbitals, int64_t points, double *n) {
    int64_t p = 0;
    for (; p + 4 <= points; p += 4) {
        fetch_ahead(psi + p * orbitals.width(), 4 * orbitals.width());
        point_densities<4, P>(psi + p * orbitals.width(), orbitals, n + p);
    }
    for (; p < points; ++p) point_densities<1, P>(psi + p * orbitals.width(), orbitals, n + p);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
