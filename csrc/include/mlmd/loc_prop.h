// Local propagator: the phase of a grid point times its orbitals.
#pragma once

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

// In single precision it is carried as a sum of two numbers, or a point's norm would drift by its rounding.
template <class T>
struct Phase {
    T high_re, high_im, low_re, low_im;
};

template <class T>
MLMD_INLINE Phase<T> phase(double re, double im) {
    const T high_re = static_cast<T>(re), high_im = static_cast<T>(im);
    return {high_re, high_im, static_cast<T>(re - high_re), static_cast<T>(im - high_im)};
}

// A phase times packs of orbitals.
template <class P, class T>
struct Turn {
    typename P::Vec high_re, high_im, low_re, low_im;

    MLMD_INLINE explicit Turn(const Phase<T> &by) {
        const auto signs = P::alternate(T(1));
        high_re = P::splat(by.high_re);
        high_im = signs * P::splat(by.high_im);
        low_re = P::splat(by.low_re);
        low_im = signs * P::splat(by.low_im);
    }

    MLMD_INLINE P operator()(P x) const {
        if constexpr (sizeof(T) == sizeof(double)) return times(high_re, high_im, x, P::zero());
        return turn(high_re, high_im, low_re, low_im, x);
    }
};

}  // namespace MLMD_ISA
}  // namespace mlmd
