// Phases of a point on the way into the gauge of kin_axis.h and out of it, with the local potential, the cosines that
// the rotations left out, and the global phase.
//
// The phase of the way in is rounded to the type of psi; that of the way out is divided by the rounded one and kept as
// a sum of two numbers, so that neither roundings nor many steps change the norm.
#pragma once

#include "kin_axis.h"

namespace mlmd {
namespace MLMD_ISA {

// A complex factor; the imaginary part comes as (-im, im), what registers of interleaved numbers are multiplied by.
template <class T>
struct PointFactor {
    T re, im[2];
};

template <class T>
MLMD_INLINE PointFactor<T> point_factor(double re, double im) {
    return {static_cast<T>(re), {static_cast<T>(-im), static_cast<T>(im)}};
}

// psi is multiplied by `in` on the way in, by high + low on the way out.
template <class T>
struct PointGauge {
    PointFactor<T> in, high, low;
};
constexpr int GAUGE_NUMBERS = 9;

// Times of the local potential before and after, and a constant factor of the way out.
struct Ends {
    double before, after, re, im;
};

// Point at the place (x, y, z) of the grid with the potential *v there (none: 0), Peierls phases theta of a bond.
template <class T>
MLMD_INLINE PointGauge<T> point_gauge(int x, int y, int z, const double *v, const double theta[3], const Ends &ends) {
    const Complex<double> one = {1.0, 0.0};
    const bool light = theta[0] != 0.0 || theta[1] != 0.0 || theta[2] != 0.0;
    const double angle = theta[0] * x + theta[1] * y + theta[2] * z;
    const Complex<double> g = quarter_turned(x + y + z, light ? unit(-angle) : one);
    const Complex<double> before = v ? unit(-ends.before * *v) : one;
    const Complex<double> exact = times(before.re, before.im, Complex<double>{g.re, -g.im});
    const T re = static_cast<T>(exact.re), im = static_cast<T>(exact.im);
    const double a = re, b = im, square = a * a + b * b;
    const Complex<double> lost = times(a / square, -b / square, exact);
    const Complex<double> after = !v || ends.after == ends.before ? before : unit(-ends.after * *v);
    const Complex<double> out = times(ends.re, ends.im, times(g.re, g.im, times(after.re, after.im, lost)));
    const T high_re = static_cast<T>(out.re), high_im = static_cast<T>(out.im);
    return {point_factor<T>(re, im), point_factor<T>(high_re, high_im),
            point_factor<T>(out.re - high_re, out.im - high_im)};
}

template <class P, class T>
MLMD_INLINE P gauged_in(P x, const PointGauge<T> &g) {
    return times(P::splat(g.in.re), P::alternate(g.in.im), x);
}

template <class P, class T>
MLMD_INLINE P gauged_out(P x, const PointGauge<T> &g) {
    return turn(P::splat(g.high.re), P::alternate(g.high.im), P::splat(g.low.re), P::alternate(g.low.im), x);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
