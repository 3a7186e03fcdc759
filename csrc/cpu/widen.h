// Sums over wave functions of either precision in double precision.
#pragma once

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

// As many reals as a register P holds in double precision, converted if need be.
template <class P, class T>
MLMD_INLINE P widened(const T *p) {
    if constexpr (sizeof(T) == sizeof(double)) {
        return P::load(p);
    } else {
        typedef float Half __attribute__((vector_size(P::SIZE * sizeof(float)), aligned(sizeof(float)), may_alias));
        return {__builtin_convertvector(*reinterpret_cast<const Half *>(p), typename P::Vec)};
    }
}

// sum_k w_k x_k^2
template <class T>
MLMD_INLINE double weighted_square(const T *x, const double *w, int64_t n) {
    typedef Pack<double, VECTOR_BYTES> Full;
    Full full = Full::zero();
    double rest = 0.0;
    for_packs<double>(n, [&](auto tag, int64_t i) MLMD_LAMBDA {
        typedef decltype(tag) P;
        const P value = widened<P>(x + i);
        const P square = P::load(w + i).v * value.v * value;
        if constexpr (P::SIZE == Full::SIZE)
            full = full + square;
        else
            rest += square.sum();
    });
    return full.sum() + rest;
}

// Real and imaginary part of sum_k w_k conj(x_k) y_k over complex numbers, added to re and im.
template <class T>
MLMD_INLINE void weighted_product(const T *x, const T *y, const double *w, int64_t n, double *re, double *im) {
    typedef Pack<double, VECTOR_BYTES> Full;
    Full even = Full::zero(), odd = Full::zero();
    for_packs<double>(n, [&](auto tag, int64_t i) MLMD_LAMBDA {
        typedef decltype(tag) P;
        const P a = P::load(w + i).v * widened<P>(x + i), b = widened<P>(y + i);
        const P same = a.v * b, cross = P::alternate(-1.0) * (a.v * b.swapped());
        if constexpr (P::SIZE == Full::SIZE) {
            even = even + same;
            odd = odd + cross;
        } else {
            *re += same.sum();
            *im += cross.sum();
        }
    });
    *re += even.sum();
    *im += odd.sum();
}

}  // namespace MLMD_ISA
}  // namespace mlmd
