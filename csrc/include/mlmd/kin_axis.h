// The sets of pairs of one axis, in the gauge psi_j = (i e^{-i theta})^j chi_j in which their rotations are real:
//
//     chi_a <- cos x (chi_a - t chi_b),   chi_b <- cos x (chi_b + t chi_a),   t = tan x,
//
// with the cosines left for the end.  Sets act in the order W E O E W (kernels/kin_prop.py); an item without a partner
// in a set grows by 1 / cos x.  Angles above pi/4 are quarter turns and a rest; the pair (n-1, 0), which takes up the
// mismatch -(i e^{-i theta})^{-n} of the gauge, is turned in several equal parts then.
#pragma once

#include "chain.h"

namespace mlmd {
namespace MLMD_ISA {

enum Set { EVEN, ODD, EVEN_AGAIN };
enum Joint { OF_ODD, WRAP, WRAP_AGAIN };

// a <- (c + low) a + beta b,  b <- (c + low) b - conj(beta) a, so many times.
template <class T>
struct Joining {
    T c, low, re, im, times;
};

// All that a kernel knows of an axis; numbers of type T throughout, as it lies in the memory of a device.
template <class T>
struct Axis {
    T tangent[3], quarters[3], lone[3][2];
    Joining<T> joint[3];
};
constexpr int AXIS_NUMBERS = 27;

// What the host gives for it, in double precision: sine and square of the norm of each part of a joint, parts of it.
struct AxisAngles {
    double tangent[3], quarters[3], lone[3][2], joint[3][3];
};
constexpr int AXIS_ANGLES = 21;

template <class T>
MLMD_INLINE Joining<T> join(const double given[3], Complex<double> mismatch) {
    const T re = static_cast<T>(given[0] * mismatch.re), im = static_cast<T>(given[0] * mismatch.im);
    const double a = re, b = im, exact = MLMD_SQRT(given[1] - a * a - b * b);
    const T c = static_cast<T>(exact);
    return {c, static_cast<T>(exact - c), re, im, static_cast<T>(given[2])};
}

// i^k x
MLMD_INLINE Complex<double> quarter_turned(int k, Complex<double> x) {
    for (k &= 3; k > 0; --k) x = {-x.im, x.re};
    return x;
}

MLMD_INLINE Complex<double> unit(double angle) { return {MLMD_COS(angle), MLMD_SIN(angle)}; }

template <class T>
MLMD_INLINE Axis<T> make_axis(const AxisAngles &given, int n, double theta) {
    Axis<T> axis;
    for (int k = 0; k < 3; ++k) {
        axis.tangent[k] = static_cast<T>(given.tangent[k]);
        axis.quarters[k] = static_cast<T>(given.quarters[k]);
        for (int part = 0; part < 2; ++part) axis.lone[k][part] = static_cast<T>(given.lone[k][part]);
    }
    const Complex<double> mismatch = quarter_turned(2 - n, unit(theta * n));
    for (int k = 0; k < 3; ++k) axis.joint[k] = join<T>(given.joint[k], mismatch);
    return axis;
}

template <class T>
MLMD_INLINE bool has_quarters(const Axis<T> &axis) {
    return axis.quarters[EVEN] != 0 || axis.quarters[ODD] != 0 || axis.quarters[EVEN_AGAIN] != 0;
}

// The pairs (a, b) of a set.
template <bool QUARTERS, class T, class P>
MLMD_INLINE void turn_set(P &a, P &b, const Axis<T> &axis, int set) {
    turn_numbers(a, b, axis.tangent[set]);
    if constexpr (QUARTERS) {
        MLMD_NO_UNROLL
        for (int k = static_cast<int>(axis.quarters[set]); k > 0; --k) {
            const auto old = a.v;
            a.v = T(-1) * b.v;
            b.v = old;
        }
    }
}

template <class T, class P>
MLMD_INLINE void grow(P &a, const Axis<T> &axis, int set) {
    a = fused(axis.lone[set][0], a, P{axis.lone[set][1] * a.v});
}

template <class T, class P>
MLMD_INLINE void turn_joint(P &a, P &b, const Axis<T> &axis, int which) {
    const Joining<T> &j = axis.joint[which];
    MLMD_NO_UNROLL
    for (int k = static_cast<int>(j.times); k > 0; --k)
        rotate(a, b, P::splat(j.c), P::splat(j.low), P::splat(j.re), P::alternate(j.im));
}

}  // namespace MLMD_ISA
}  // namespace mlmd
