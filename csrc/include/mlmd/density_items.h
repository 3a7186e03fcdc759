// Density on a GPU: a point at a time for every `lanes` work items.
#pragma once

#include "density.h"
#include "lanes.h"

namespace mlmd {
namespace MLMD_ISA {

template <class P, class T>
MLMD_ON_DEVICE void density_items(const T *psi, const double *f, double *n, int64_t points, int64_t width,
                                  int lanes) {
    const Here at = here();
    const SharedOrbitals<P> orbitals(f, width, at.item % lanes, lanes);
    const int64_t together = GROUP / lanes;
    for (int64_t first = at.group * together; first < points; first += at.groups * together) {
        const int64_t point = first + at.item / lanes, mine = point < points ? point : points - 1;
        double density;
        point_densities<1, P>(psi + mine * width, orbitals, &density);
        if (at.item % lanes == 0 && point < points) n[point] = density;
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#define MLMD_DENSITY_ITEMS(T, bytes, name)                                                                  \
    MLMD_GROUP_KERNEL density_##name(const T *psi, const double *f, double *n, int64_t points, int64_t width, \
                                     int lanes) {                                                           \
        typedef mlmd::device::Pack<double, (bytes) / sizeof(T) * sizeof(double)> P;                         \
        mlmd::device::density_items<P>(psi, f, n, points, width, lanes);                                    \
    }

MLMD_DENSITY_ITEMS(float, 16, f32x2)
MLMD_DENSITY_ITEMS(float, 8, f32)
MLMD_DENSITY_ITEMS(double, 16, f64)
