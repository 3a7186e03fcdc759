// The phases of kin_gauge.h for tasks: line by line, a register of points at a time; the parts of the phases one after
// the other, each for all points of a line.  Without a local potential and with light along z alone, lines differ by
// a power of i: four are enough.
#pragma once

#include "kin_gauge.h"
#include "phases.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int LINE_NUMBERS = 6;  // of a point

// Phases of the points of one line, for registers of psi.
template <class T>
struct LineGauge {
    const T *numbers;
    int nz;

    template <class P>
    MLMD_INLINE P in(P x, int z) const {
        return times(P::splat(numbers[z]), P::alternate(numbers[nz + z]), x);
    }
    template <class P>
    MLMD_INLINE P out(P x, int z) const {
        const T *low = numbers + 4 * nz, *high = numbers + 2 * nz;
        return turn(P::splat(high[z]), P::alternate(high[nz + z]), P::splat(low[z]), P::alternate(low[nz + z]), x);
    }
};

template <class T>
struct LineGauges {
    T *numbers;
    int ny, nz;
    bool each;  // line has its own

    MLMD_INLINE T *of_line(int x, int y) const {
        return numbers + int64_t(LINE_NUMBERS) * nz * (each ? int64_t(x) * ny + y : (x + y) & 3);
    }
    MLMD_INLINE LineGauge<T> line(int x, int y) const { return {of_line(x, y), nz}; }
};

template <class T>
MLMD_INLINE LineGauges<T> line_gauges(T *numbers, int ny, int nz, const double *bonds, int with_v) {
    return {numbers, ny, nz, with_v || bonds[0] != 0.0 || bonds[1] != 0.0};
}

constexpr int POINTS_AT_ONCE = 256;

// Real and imaginary parts of points of a line; whole registers may be read.
struct Points {
    double re[POINTS_AT_ONCE], im[POINTS_AT_ONCE];

    MLMD_INLINE void set_one() {
        for (int k = 0; k < POINTS_AT_ONCE; ++k) re[k] = 1.0, im[k] = 0.0;
    }
};

typedef Pack<double, 64> Eight;

MLMD_INLINE Complex<Eight> product(Complex<Eight> x, Complex<Eight> y) {
    return {{x.re.v * y.re.v - x.im.v * y.im.v}, {x.re.v * y.im.v + x.im.v * y.re.v}};
}

MLMD_INLINE Complex<Eight> eight(const Points &from, int k) {
    return {Eight::load(from.re + k), Eight::load(from.im + k)};
}

MLMD_INLINE Complex<Eight> eight(Complex<double> x) { return {{Eight::splat(x.re)}, {Eight::splat(x.im)}}; }

// The phases i^k e^{-i theta k} of the points from `first` on, a multiple of four.
MLMD_INLINE void bond_phases(double theta, int first, int count, Points &to) {
    double place[POINTS_AT_ONCE];
    for (int k = 0; k < count; ++k) place[k] = first + k;
    phases(place, -theta, count, to.re, to.im);
    for (int k = 0; k < count; ++k) {
        const Complex<double> x = quarter_turned(k, Complex<double>{to.re[k], to.im[k]});
        to.re[k] = x.re;
        to.im[k] = x.im;
    }
}

// Numbers of eight points, or of the `count` that are left, rounded to T; what was lost comes back.
template <class T>
MLMD_INLINE Eight put_rounded(Eight x, T *to, int count) {
    typedef Pack<T, 8 * sizeof(T)> Narrow;
    const Narrow narrow = {__builtin_convertvector(x.v, typename Narrow::Vec)};
    if (count >= 8)
        narrow.store(to);
    else
        for (int k = 0; k < count; ++k) to[k] = narrow.v[k];
    return {x.v - __builtin_convertvector(narrow.v, Eight::Vec)};
}

// Phases of `count` points from z on of a line: in = conj(g) before, rounded; out = g after ends / (what in lost).
template <class T>
MLMD_INLINE void put_gauges(T *line, int nz, int z, int count, Complex<double> plane, const Points &bond,
                            const Points &before, const Points &after, const Ends &ends) {
    const Complex<Eight> of_plane = eight(plane), end = eight({ends.re, ends.im});
    for (int k = 0; k < count; k += 8) {
        T *to = line + z + k;
        const int left = count - k;
        const Complex<Eight> g = product(of_plane, eight(bond, k));
        const Complex<Eight> exact = product(eight(before, k), {g.re, {-g.im.v}});
        const Eight re = {exact.re.v - put_rounded(exact.re, to, left).v};
        const Eight im = {exact.im.v - put_rounded(exact.im, to + nz, left).v};
        const Eight::Vec share = 1.0 / (re.v * re.v + im.v * im.v);
        const Complex<Eight> lost = product({{re.v * share}, {-im.v * share}}, exact);
        const Complex<Eight> out = product(end, product(g, product(eight(after, k), lost)));
        const Eight low_re = put_rounded(out.re, to + 2 * nz, left), low_im = put_rounded(out.im, to + 3 * nz, left);
        put_rounded(low_re, to + 4 * nz, left);
        put_rounded(low_im, to + 5 * nz, left);
    }
}

// The lines of a plane, or all four by the task of the first one; with these the axes.
template <class T>
MLMD_INLINE void kin_lines(int x, int nx, int ny, int nz, const double *given, const double *bonds, const double *v,
                           int with_v, T *axes, T *numbers) {
    const int n[3] = {nx, ny, nz};
    const Ends ends = *reinterpret_cast<const Ends *>(given);
    const double theta[3] = {bonds[0], bonds[1], bonds[2]};
    const LineGauges<T> gauges = line_gauges(numbers, ny, nz, bonds, with_v);
    if (x == 0)
        for (int k = 0; k < 3; ++k)
            reinterpret_cast<Axis<T> *>(axes)[k] =
                make_axis<T>(reinterpret_cast<const AxisAngles *>(given + 4)[k], n[k], theta[k]);
    else if (!gauges.each)
        return;
    Points bond, before, after;
    bond.set_one();
    before.set_one();
    after.set_one();
    for (int z = 0; z < nz; z += POINTS_AT_ONCE) {
        const int count = nz - z < POINTS_AT_ONCE ? nz - z : POINTS_AT_ONCE;
        bond_phases(theta[2], z, count, bond);
        for (int y = 0; y < (gauges.each ? ny : 4); ++y) {
            if (with_v) {
                const double *here = v + (int64_t(x) * ny + y) * nz + z;
                const bool other = ends.after != ends.before && ends.after != 0.0;
                if (ends.before != 0.0) phases(here, -ends.before, count, before.re, before.im);
                if (other) phases(here, -ends.after, count, after.re, after.im);
            }
            const double angle = theta[0] * x + theta[1] * y;
            const Complex<double> one = {1.0, 0.0}, plane = quarter_turned(x + y, angle == 0.0 ? one : unit(-angle));
            put_gauges(gauges.of_line(x, y), nz, z, count, plane, bond, before,
                       ends.after == ends.before ? before : after, ends);
        }
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
