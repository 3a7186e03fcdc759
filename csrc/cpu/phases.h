// Cosines and sines of many small angles at once: a loop without branches, which compilers turn into vector code.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "common.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr double LARGEST_ANGLE = 1e5;  // beyond it the three parts of pi/2 no longer do

// re + i im = exp(i x) to about one unit in the last place: x less the nearest multiple of pi/2, which is taken off
// in three parts (Cody and Waite), then the polynomials of fdlibm.
inline void small_phase(double x, double *re, double *im) {
    constexpr double SHIFT = 6755399441055744.0;  // 3 * 2^51: adding it rounds to a whole number, held in the low bits
    const double shifted = x * 0.63661977236758134308 + SHIFT, turns = shifted - SHIFT;
    int64_t quadrant;
    std::memcpy(&quadrant, &shifted, sizeof quadrant);
    const double r = ((x - turns * 1.57079632673412561417e+00) - turns * 6.07710050630396597660e-11) -
                     turns * 2.02226624879595063154e-21;
    const double z = r * r;
    const double s = r + r * z * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 +
                     z * (-1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 +
                     z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const double c = 1.0 - (0.5 * z - z * z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 +
                     z * (2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07 +
                     z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))))));
    const bool swap = quadrant & 1;
    const double even = swap ? s : c, odd = swap ? c : s;
    *re = (quadrant + 1) & 2 ? -even : even;
    *im = quadrant & 2 ? -odd : odd;
}

// re + i im = exp(i factor v) for n angles.
inline void phases(const double *v, double factor, int64_t n, double *re, double *im) {
    bool small = true;
    for (int64_t k = 0; k < n; ++k) small &= std::fabs(factor * v[k]) <= LARGEST_ANGLE;
    if (small) {
        for (int64_t k = 0; k < n; ++k) small_phase(factor * v[k], re + k, im + k);
    } else {
        for (int64_t k = 0; k < n; ++k) {
            re[k] = std::cos(factor * v[k]);
            im[k] = std::sin(factor * v[k]);
        }
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
