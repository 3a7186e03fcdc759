// Cosines and sines of many small angles at once, a register of them at a time.
#pragma once

#include <cstdint>
#include <cstring>

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr double LARGEST_ANGLE = 1e5;  // beyond it the three parts of pi/2 no longer do

// A double or a register of them as whole numbers, and back.
template <class To, class From>
MLMD_INLINE To same_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "other bits");
    To y;
    std::memcpy(&y, &x, sizeof y);
    return y;
}

// re + i im = exp(i x) to about one unit in the last place: x less the nearest multiple of pi/2, which is taken off
// in three parts (Cody and Waite), then the polynomials of fdlibm.  V is double or a register of them, Bits int64_t or a
// register of these.
template <class V, class Bits>
MLMD_INLINE void small_phase(V x, V *re, V *im) {
    constexpr double SHIFT = 6755399441055744.0;  // 3 * 2^51: adding it rounds to a whole number, held in the low bits
    const V shifted = x * 0.63661977236758134308 + SHIFT, turns = shifted - SHIFT;
    const Bits quadrant = same_bits<Bits>(shifted);
    const V r = ((x - turns * 1.57079632673412561417e+00) - turns * 6.07710050630396597660e-11) -
                turns * 2.02226624879595063154e-21;
    const V z = r * r;
    const V s = r + r * z * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 +
                z * (-1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 +
                z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const V c = 1.0 - (0.5 * z - z * z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 +
                z * (2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07 +
                z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))))));
    // Where the quadrant is odd, sine and cosine change places; then their signs.
    const Bits sine = same_bits<Bits>(s), cosine = same_bits<Bits>(c), change = (sine ^ cosine) & -(quadrant & 1);
    *re = same_bits<V>((cosine ^ change) ^ (((quadrant + 1) & 2) << 62));
    *im = same_bits<V>((sine ^ change) ^ ((quadrant & 2) << 62));
}

// re + i im = exp(i factor v) for n angles.
MLMD_INLINE void phases(const double *v, double factor, int64_t n, double *re, double *im) {
    bool small = true;
    for (int64_t k = 0; k < n; ++k) {
        const double angle = factor * v[k];
        small &= angle <= LARGEST_ANGLE && angle >= -LARGEST_ANGLE;
    }
    if (!small) {
        for (int64_t k = 0; k < n; ++k) {
            re[k] = MLMD_COS(factor * v[k]);
            im[k] = MLMD_SIN(factor * v[k]);
        }
        return;
    }
    int64_t k = 0;
#if !defined(MLMD_NO_VECTORS)
    typedef Pack<double, VECTOR_BYTES> P;
    typedef int64_t Whole __attribute__((vector_size(VECTOR_BYTES)));
    for (; k + P::SIZE <= n; k += P::SIZE) {
        P x, y;
        small_phase<typename P::Vec, Whole>(factor * P::load(v + k).v, &x.v, &y.v);
        x.store(re + k);
        y.store(im + k);
    }
#endif
    for (; k < n; ++k) small_phase<double, int64_t>(factor * v[k], re + k, im + k);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
