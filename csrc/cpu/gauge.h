// Phases that a kinetic step starts and ends with at each point: the gauge of wave.h there and back, the scale that
// the waves left out, and the local potential.
//
// The phase of the way in is rounded to the type of psi; that of the way out is divided by the rounded one and kept
// as a sum of two numbers, so that neither roundings nor many steps change the norm.
#pragma once

#include <algorithm>
#include <complex>
#include <vector>

#include "common.h"
#include "mlmd/rotation.h"
#include "mlmd/mlmd_kernels.h"
#include "mlmd/phases.h"
#include "wave.h"

namespace mlmd {
namespace MLMD_ISA {

// Real and imaginary parts of a line's points.
struct Line {
    double *re, *im;
};

// Lines of n points each, all numbers 1.  Between them is a cache line or more: threads do not share one, and lines
// of a power of two do not evict one another.
class Lines {
  public:
    Lines(int64_t count, int64_t n) : step_((n + 15) / 8 * 8), data_(2 * count * step_) {
        for (int64_t k = 0; k < count; ++k) {
            std::fill_n((*this)[k].re, n, 1.0);
            std::fill_n((*this)[k].im, n, 0.0);
        }
    }
    Line operator[](int64_t k) const { return {data_.get() + 2 * k * step_, data_.get() + (2 * k + 1) * step_}; }

  private:
    int64_t step_;
    Scratch<double> data_;
};

// x rounded to T.  Opaque: where GCC 12 makes vectors of neighbouring numbers, it takes x - T(x) to be zero.
template <class T>
MLMD_INLINE T narrowed(double x) {
    T y = static_cast<T>(x);
#if defined(__x86_64__)
    asm("" : "+x"(y));
#elif defined(__aarch64__)
    asm("" : "+w"(y));
#endif
    return y;
}

template <class T>
struct Factor {
    T re, im;
};

template <class T>
MLMD_INLINE Factor<T> factor(double re, double im) {
    return {static_cast<T>(re), static_cast<T>(im)};
}

// The phases of one point: psi is multiplied by `in` on the way in, by high + low on the way out.
template <class T>
struct Gauge {
    Factor<T> in, high, low;
};

// Both ways of a line: in = conj(plane g) before, rounded; out = plane g after constant / (what in lost).  Not inlined,
// and with all memory apart, so that compilers make vector code of it.
template <class T>
__attribute__((noinline)) void ways(int64_t n, Complex<double> plane, Complex<double> constant,
                                    const double *__restrict gr, const double *__restrict gi,
                                    const double *__restrict br, const double *__restrict bi,
                                    const double *__restrict ar, const double *__restrict ai, double *__restrict in_re,
                                    double *__restrict in_im, double *__restrict out_re, double *__restrict out_im) {
    for (int64_t z = 0; z < n; ++z) {
        const Complex<double> g = times(plane.re, plane.im, Complex<double>{gr[z], gi[z]});
        const Complex<double> exact = times(br[z], bi[z], Complex<double>{g.re, -g.im});
        const double re = static_cast<T>(exact.re), im = static_cast<T>(exact.im), square = re * re + im * im;
        const Complex<double> lost = times(re / square, -im / square, exact);
        const Complex<double> out = times(constant.re, constant.im, times(g.re, g.im, times(ar[z], ai[z], lost)));
        in_re[z] = re;
        in_im[z] = im;
        out_re[z] = out.re;
        out_im[z] = out.im;
    }
}

template <class T>
class Gauges {
  public:
    // `out` is a constant factor of the way out.
    Gauges(const int64_t n[3], const mlmd_kinetic &how, std::complex<double> out, int threads)
        : ny_(n[1]), nz_(n[2]), each_line_(how.v || how.theta[0] != 0.0 || how.theta[1] != 0.0),
          own_(fits(n, how) ? 0 : size(n)), table_(fits(n, how) ? static_cast<Gauge<T> *>(how.work) : own_.get()) {
        const auto bonds = [&](int axis, int64_t k) { return quarter_turns<double>(k) * std::polar(1.0, -how.theta[axis] * k); };
        std::vector<std::complex<double>> gx, gy;
        const Lines room(1 + 4 * threads, nz_);  // got here: an exception must not leave the parallel region
        const Line gz = room[0];
        for (int64_t k = 0; k < n[0]; ++k) gx.push_back(bonds(0, k));
        for (int64_t k = 0; k < n[1]; ++k) gy.push_back(bonds(1, k));
        for (int64_t k = 0; k < nz_; ++k) {
            gz.re[k] = bonds(2, k).real();
            gz.im[k] = bonds(2, k).imag();
        }
        const int64_t lines = each_line_ ? n[0] * n[1] : 4;
#pragma omp parallel num_threads(threads)
        {
            const int64_t own = 1 + 4 * thread_index();
            const Line before = room[own], after = room[own + 1], in = room[own + 2], exit = room[own + 3];
#pragma omp for schedule(static)
            for (int64_t line = 0; line < lines; ++line) {
                if (how.v) {
                    if (how.before != 0.0) phases(how.v + line * nz_, -how.before, nz_, before.re, before.im);
                    if (how.after != 0.0) phases(how.v + line * nz_, -how.after, nz_, after.re, after.im);
                }
                fill(line, each_line_ ? gx[line / ny_] * gy[line % ny_] : quarter_turns<double>(line), gz, before, after, out, in,
                     exit);
            }
        }
    }

    const Gauge<T> *line(int64_t x, int64_t y) const {
        return table_ + nz_ * (each_line_ ? x * ny_ + y : (x + y) & 3);
    }

  private:
    int64_t size(const int64_t n[3]) const { return n[2] * (each_line_ ? n[0] * n[1] : 4); }

    bool fits(const int64_t n[3], const mlmd_kinetic &how) const {
        const bool aligned = reinterpret_cast<uintptr_t>(how.work) % alignof(Gauge<T>) == 0;
        return how.work && aligned && how.work_bytes >= size(n) * static_cast<int64_t>(sizeof(Gauge<T>));
    }

    void fill(int64_t line, std::complex<double> plane, Line gz, Line before, Line after, std::complex<double> out,
              Line in, Line exit) const {
        ways<T>(nz_, {plane.real(), plane.imag()}, {out.real(), out.imag()}, gz.re, gz.im, before.re, before.im,
                after.re, after.im, in.re, in.im, exit.re, exit.im);
        Gauge<T> *to = table_ + nz_ * line;
        for (int64_t z = 0; z < nz_; ++z) {
            const T re = narrowed<T>(exit.re[z]), im = narrowed<T>(exit.im[z]);
            to[z] = {factor<T>(in.re[z], in.im[z]), factor<T>(re, im), factor<T>(exit.re[z] - re, exit.im[z] - im)};
        }
    }

    int64_t ny_, nz_;
    bool each_line_;
    Scratch<Gauge<T>> own_;
    Gauge<T> *table_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
