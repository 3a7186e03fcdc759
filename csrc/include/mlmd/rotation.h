// The arithmetic of one pair rotation and of one phase, for any complex type: a scalar on a device, a pack of
// numbers in a vector register on a processor.  The type brings c * x, x + y, fused(c, x, y), which is c x + y, times(re, im, x), which is
// (re + i im) x, times(re, im, x, y), that + y, summed from the right: re x + (i im x + y), and rounded(x), which is x
// as a number of its own: the compiler must not pull the product that made it into a fused multiply-add.
//
// Low parts of coefficients go in first, by fused multiply-adds.  They are below half a unit in the last place of
// the result; added last, or to a rounded product, they would be lost every time, and the norm would drift.
#pragma once

#include "portable.h"

namespace mlmd {

template <class T>
struct Complex {
    T re, im;
};

template <class T>
MLMD_INLINE Complex<T> operator+(Complex<T> x, Complex<T> y) {
    return {x.re + y.re, x.im + y.im};
}

template <class T>
MLMD_INLINE Complex<T> operator*(T c, Complex<T> x) {
    return {c * x.re, c * x.im};
}

template <class T>
MLMD_INLINE Complex<T> fused(T c, Complex<T> x, Complex<T> y) {
    return {MLMD_FMA(c, x.re, y.re), MLMD_FMA(c, x.im, y.im)};
}

template <class T>
MLMD_INLINE Complex<T> times(T re, T im, Complex<T> x, Complex<T> y) {
    return {MLMD_FMA(re, x.re, MLMD_FMA(-im, x.im, y.re)), MLMD_FMA(re, x.im, MLMD_FMA(im, x.re, y.im))};
}

template <class T>
MLMD_INLINE Complex<T> times(T re, T im, Complex<T> x) {
    return {MLMD_FMA(re, x.re, -im * x.im), MLMD_FMA(re, x.im, im * x.re)};
}

template <class T>
MLMD_INLINE Complex<T> rounded(Complex<T> x) {
    return x;
}

// a <- (c + low) a + beta b,  b <- (c + low) b - conj(beta) a.
template <class C, class R>
MLMD_INLINE void rotate(C &a, C &b, R c, R low, R re, R im) {
    const C old = a;
    a = fused(c, old, times(re, im, b, rounded(low * old)));
    b = fused(c, b, times(-re, im, old, rounded(low * b)));
}

// (high + low) x, both factors complex.
template <class C, class R>
MLMD_INLINE C turn(R high_re, R high_im, R low_re, R low_im, C x) {
    return times(high_re, high_im, x, times(low_re, low_im, x));
}

}  // namespace mlmd
