// The lower rungs of the ladder that kin_prop stands on, kept to be measured against.  Baseline: as one would write it
// first, orbital by orbital on psi[orbital][x][y][z], line by line along the axis, with std::complex.  Contiguous: the
// same array, but the inner loop along memory, and products without the checks for NaN that std::complex has, so that
// compilers make vector code of it.  Reordered: the sweeps on psi[x][y][z][orbital].
#include <cmath>
#include <complex>

#include "common.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class T>
struct Rotation {
    T c, re, im;

    Rotation(const mlmd_sweep &s, const double *theta)
        : c(static_cast<T>(std::cos(s.angle))), re(static_cast<T>(-std::sin(s.angle) * std::sin(theta[s.axis]))),
          im(static_cast<T>(std::sin(s.angle) * std::cos(theta[s.axis]))) {}
};

// Points along the axis of a sweep, and reals from one to the next.
struct Axis {
    int64_t outer, n, inner;

    Axis(const mlmd_psi &psi, int axis, int64_t width) : outer(1), n(psi.n[axis]), inner(width) {
        for (int k = 0; k < axis; ++k) outer *= psi.n[k];
        for (int k = axis + 1; k < 3; ++k) inner *= psi.n[k];
    }
};

// Calls work(a, b) with the offsets of the two points of each pair of one outer block.
template <class Work>
MLMD_INLINE void for_pairs(const mlmd_sweep &s, const Axis &axis, int64_t block, Work &&work) {
    const int64_t first = block * axis.n * axis.inner;
    for (int64_t k = 0; k < s.count; ++k) {
        const int64_t a = first + (s.start + 2 * k) * axis.inner;
        work(a, a + axis.inner);
    }
    if (s.wrap) work(first + (axis.n - 1) * axis.inner, first);
}

template <class T>
void baseline(const mlmd_psi &psi, const mlmd_kinetic &how, int threads) {
    typedef std::complex<T> Z;
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2];
    const Z phase(std::polar(1.0, -how.phase));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t orbital = 0; orbital < psi.norb; ++orbital) {
        Z *one = static_cast<Z *>(psi.data) + orbital * points;
        for (int64_t k = 0; k < how.nsweeps; ++k) {
            const Axis axis(psi, how.sweeps[k].axis, 1);
            const Rotation<T> r(how.sweeps[k], how.theta);
            const Z beta(r.re, r.im);
            for (int64_t line = 0; line < axis.outer * axis.inner; ++line)
                for_pairs(how.sweeps[k], axis, line / axis.inner, [&](int64_t a, int64_t b) {
                    Z &x = one[a + line % axis.inner], &y = one[b + line % axis.inner];
                    const Z old = x;
                    x = r.c * old + beta * y;
                    y = r.c * y - std::conj(beta) * old;
                });
        }
        for (int64_t p = 0; p < points; ++p) one[p] *= phase;
    }
}

template <class T>
void contiguous(const mlmd_psi &psi, const mlmd_kinetic &how, int threads) {
    typedef Complex<T> Z;
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2];
    const T phase_re = static_cast<T>(std::cos(how.phase)), phase_im = static_cast<T>(-std::sin(how.phase));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t orbital = 0; orbital < psi.norb; ++orbital) {
        Z *one = static_cast<Z *>(psi.data) + orbital * points;
        for (int64_t k = 0; k < how.nsweeps; ++k) {
            const Axis axis(psi, how.sweeps[k].axis, 1);
            const Rotation<T> r(how.sweeps[k], how.theta);
            for (int64_t block = 0; block < axis.outer; ++block)
                for_pairs(how.sweeps[k], axis, block, [&](int64_t a, int64_t b) {
                    for (int64_t i = 0; i < axis.inner; ++i) rotate(one[a + i], one[b + i], r.c, T(0), r.re, r.im);
                });
        }
        for (int64_t p = 0; p < points; ++p) one[p] = times(phase_re, phase_im, one[p]);
    }
}

template <class T>
void reordered(const mlmd_psi &psi, const mlmd_kinetic &how, int threads) {
    const int64_t size = 2 * psi.n[0] * psi.n[1] * psi.n[2] * psi.norb;
    T *data = static_cast<T *>(psi.data);
    for (int64_t k = 0; k < how.nsweeps; ++k) {
        const Axis axis(psi, how.sweeps[k].axis, 2 * psi.norb);
        const Rotation<T> r(how.sweeps[k], how.theta);
        const int64_t rows = axis.inner / (2 * psi.norb);
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t item = 0; item < axis.outer * rows; ++item)
            for_pairs(how.sweeps[k], axis, item / rows, [&](int64_t a, int64_t b) {
                const int64_t row = item % rows * 2 * psi.norb;
                for_packs<T>(2 * psi.norb, [&](auto tag, int64_t i) MLMD_LAMBDA {
                    typedef decltype(tag) P;
                    P x = P::load(data + a + row + i), y = P::load(data + b + row + i);
                    rotate(x, y, P::splat(r.c), P::splat(0), P::splat(r.re), P::alternate(r.im));
                    x.store(data + a + row + i);
                    y.store(data + b + row + i);
                });
            });
    }
    const T phase_re = static_cast<T>(std::cos(how.phase)), phase_im = static_cast<T>(-std::sin(how.phase));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < size; i += 2) {
        const Complex<T> x = times(phase_re, phase_im, Complex<T>{data[i], data[i + 1]});
        data[i] = x.re;
        data[i + 1] = x.im;
    }
}

template <class T>
void step(const mlmd_psi &psi, mlmd_rung rung, const mlmd_kinetic &how, int threads) {
    if (rung == MLMD_BASELINE)
        baseline<T>(psi, how, threads);
    else if (rung == MLMD_CONTIGUOUS)
        contiguous<T>(psi, how, threads);
    else
        reordered<T>(psi, how, threads);
}

}  // namespace

void kin_rung(const mlmd_psi &psi, mlmd_rung rung, const mlmd_kinetic &how, int threads) {
    psi.type == MLMD_COMPLEX64 ? step<float>(psi, rung, how, threads) : step<double>(psi, rung, how, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(kin_rung, const mlmd_psi &, mlmd_rung, const mlmd_kinetic &, int)

mlmd_status mlmd_kin_rung(const mlmd_psi *psi, mlmd_rung rung, const mlmd_kinetic *how, int threads) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (const mlmd_status status = mlmd::check(psi, how)) return status;
    if (rung != MLMD_BASELINE && rung != MLMD_CONTIGUOUS && rung != MLMD_REORDERED)
         return mlmd::fail(MLMD_BAD_ARGUMENT, "the rung is unknown");
    if (how->v || how->steps != 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "rungs take no potential and one step");
    MLMD_GUARDED(MLMD_PICK(mlmd::chosen_isa(), kin_rung)(*psi, rung, *how, threads))
}
#endif
