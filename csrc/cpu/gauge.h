// Phases that a kinetic step starts and ends with at each point: the gauge of wave.h there and back, the scale that
// the waves left out, and the local potential.
//
// The phase of the way in is rounded to the type of psi; that of the way out is divided by the rounded one and kept
// as a sum of two numbers, so that neither roundings nor many steps change the norm.
#pragma once

#include <complex>
#include <vector>

#include "common.h"
#include "mlmd/rotation.h"
#include "mlmd/mlmd_kernels.h"
#include "phases.h"

namespace mlmd {
namespace MLMD_ISA {

// i^k
inline std::complex<double> quarter_turns(int64_t k) {
    const std::complex<double> powers[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    return powers[k & 3];
}

// Real and imaginary parts of a line's points.
struct Line {
    explicit Line(int64_t n) : re(n, 1.0), im(n, 0.0) {}
    std::vector<double> re, im;
};

// The phases of one line: a point is multiplied by `in` on the way in, by high + low on the way out.  Imaginary
// parts come as (-im, im), what vector registers of interleaved complex numbers are multiplied by.
template <class T>
struct Gauge {
    const T *in_re, *high_re, *low_re, *in_im, *high_im, *low_im;
};

template <class T>
class Gauges {
  public:
    // `out` is a constant factor of the way out.
    Gauges(const int64_t n[3], const mlmd_kinetic &how, std::complex<double> out, int threads)
        : ny_(n[1]), nz_(n[2]), each_line_(how.v || how.theta[0] != 0.0 || how.theta[1] != 0.0),
          table_(9 * n[2] * (each_line_ ? n[0] * n[1] : 4)) {
        const auto bonds = [&](int axis, int64_t k) { return quarter_turns(k) * std::polar(1.0, -how.theta[axis] * k); };
        std::vector<std::complex<double>> gx, gy;
        Line gz(nz_);
        for (int64_t k = 0; k < n[0]; ++k) gx.push_back(bonds(0, k));
        for (int64_t k = 0; k < n[1]; ++k) gy.push_back(bonds(1, k));
        for (int64_t k = 0; k < nz_; ++k) {
            gz.re[k] = bonds(2, k).real();
            gz.im[k] = bonds(2, k).imag();
        }
        const int64_t lines = each_line_ ? n[0] * n[1] : 4;
#pragma omp parallel num_threads(threads)
        {
            Line before(nz_), after(nz_);
#pragma omp for schedule(static)
            for (int64_t line = 0; line < lines; ++line) {
                if (how.v) {
                    phases(how.v + line * nz_, -how.before, nz_, before.re.data(), before.im.data());
                    phases(how.v + line * nz_, -how.after, nz_, after.re.data(), after.im.data());
                }
                fill(line, each_line_ ? gx[line / ny_] * gy[line % ny_] : quarter_turns(line), gz, before, after, out);
            }
        }
    }

    Gauge<T> line(int64_t x, int64_t y) const {
        const T *t = table_.get() + 9 * nz_ * (each_line_ ? x * ny_ + y : (x + y) & 3);
        return {t, t + nz_, t + 2 * nz_, t + 3 * nz_, t + 5 * nz_, t + 7 * nz_};
    }

  private:
    void fill(int64_t line, std::complex<double> plane, const Line &gz, const Line &before, const Line &after,
              std::complex<double> out) const {
        T *t = table_.get() + 9 * nz_ * line;
        const double px = plane.real(), py = plane.imag(), ox = out.real(), oy = out.imag();
        for (int64_t z = 0; z < nz_; ++z) {
            const Complex<double> g = product({px, py}, {gz.re[z], gz.im[z]});
            const Complex<double> in = product({g.re, -g.im}, {before.re[z], before.im[z]});
            const T re = static_cast<T>(in.re), im = static_cast<T>(in.im);
            const double square = static_cast<double>(re) * re + static_cast<double>(im) * im;
            const Complex<double> missing = product({in.re / square, in.im / square}, {re, -im});
            const Complex<double> high = product(product(g, {ox, oy}), product({after.re[z], after.im[z]}, missing));
            const T high_re = static_cast<T>(high.re), high_im = static_cast<T>(high.im);
            t[z] = re;
            t[z + nz_] = high_re;
            t[z + 2 * nz_] = static_cast<T>(high.re - high_re);
            put(t + 3 * nz_ + 2 * z, im);
            put(t + 5 * nz_ + 2 * z, high_im);
            put(t + 7 * nz_ + 2 * z, static_cast<T>(high.im - high_im));
        }
    }

    static MLMD_INLINE void put(T *pair, T im) {
        pair[0] = -im;
        pair[1] = im;
    }

    static MLMD_INLINE Complex<double> product(Complex<double> x, Complex<double> y) {
        return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
    }

    int64_t ny_, nz_;
    bool each_line_;
    Scratch<T> table_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
