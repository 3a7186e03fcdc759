// The 3-point Laplacian of a real field, row by row.
#pragma once

#include "common.h"

namespace mlmd {
namespace MLMD_ISA {

// A small grid is done sooner by one thread than a team is woken.
inline int team(const mlmd_box &box, int threads) { return box.n[0] * box.n[1] * box.n[2] < 32768 ? 1 : threads; }

// Calls row(index of the row's first point, laplacian of the row) for the rows along z of plane ix.
// `zeros` is a row of zeros, read beyond Dirichlet ends; `lap` is scratch of one row.
template <class Row>
inline void for_rows(const mlmd_box &box, const double *v, const double *zeros, double *lap, int64_t ix, Row &&row) {
    const int64_t nx = box.n[0], ny = box.n[1], nz = box.n[2];
    const double ax = 1.0 / (box.h[0] * box.h[0]), ay = 1.0 / (box.h[1] * box.h[1]), az = 1.0 / (box.h[2] * box.h[2]);
    const auto at = [&](int64_t i, int64_t j) -> const double * {
        if ((i < 0 || i >= nx) && !box.periodic[0]) return zeros;
        if ((j < 0 || j >= ny) && !box.periodic[1]) return zeros;
        i = i < 0 ? nx - 1 : i == nx ? 0 : i;
        j = j < 0 ? ny - 1 : j == ny ? 0 : j;
        return v + (i * ny + j) * nz;
    };
    for (int64_t iy = 0; iy < ny; ++iy) {
        const double *c = at(ix, iy), *xm = at(ix - 1, iy), *xp = at(ix + 1, iy);
        const double *ym = at(ix, iy - 1), *yp = at(ix, iy + 1);
        const double before = box.periodic[2] ? c[nz - 1] : 0.0, after = box.periodic[2] ? c[0] : 0.0;
        for (int64_t k = 0; k < nz; ++k)
            lap[k] = ax * ((xm[k] - c[k]) + (xp[k] - c[k])) + ay * ((ym[k] - c[k]) + (yp[k] - c[k])) - 2.0 * az * c[k];
        for (int64_t k = 1; k + 1 < nz; ++k) lap[k] += az * (c[k - 1] + c[k + 1]);
        if (nz == 1) {
            lap[0] += az * (before + after);
        } else {
            lap[0] += az * (before + c[1]);
            lap[nz - 1] += az * (c[nz - 2] + after);
        }
        row((ix * ny + iy) * nz, static_cast<const double *>(lap));
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
