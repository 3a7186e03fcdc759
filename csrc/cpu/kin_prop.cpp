// Kinetic propagator: all pair rotations of an axis in one pass over psi.
//
// Seen along an axis, psi is [outer][n][inner].  A bundle, n points times a stretch of the contiguous inner
// direction, is copied into scratch memory that stays in the cache, gets all sweeps of the axis there, and is
// copied back.  In scratch the rows are adjacent (in psi they may lie a power of two apart and evict one another)
// and padded to whole registers.
#include <algorithm>

#include "common.h"
#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BUNDLE_BYTES = 64 * 1024;

// A block of rows: points along the axis, reals in a row, reals from row to row.
struct Rows {
    int64_t n, width, stride;
};

// All pairs of a set; the rows are whole registers.
template <class T>
void sweep(T *bundle, const Rows &rows, const mlmd_sweep &s) {
    typedef Pack<T, VECTOR_BYTES> P;
    const auto c = P::splat(s.c), low = P::splat(s.c_low), re = P::splat(s.beta_re), im = P::alternate(s.beta_im);
    const auto pair = [&](T *a, T *b) MLMD_LAMBDA {
        for (int64_t i = 0; i < rows.width; i += P::SIZE) {
            P x = P::load(a + i), y = P::load(b + i);
            rotate(x, y, c, low, re, im);
            x.store(a + i);
            y.store(b + i);
        }
    };
    T *a = bundle + s.start * rows.stride;
    for (int32_t k = 0; k < s.count; ++k, a += 2 * rows.stride) pair(a, a + rows.stride);
    if (s.wrap) pair(bundle + (rows.n - 1) * rows.stride, bundle);
}

template <class T>
void turn_all(T *bundle, int64_t size, const double *phase) {
    typedef Pack<T, VECTOR_BYTES> P;
    const auto high_re = P::splat(phase[0]), high_im = P::alternate(phase[1]);
    const auto low_re = P::splat(phase[2]), low_im = P::alternate(phase[3]);
    for (int64_t i = 0; i < size; i += P::SIZE)
        turn(high_re, high_im, low_re, low_im, P::load(bundle + i)).store(bundle + i);
}

template <class From, class To>
void copy(const From *from, int64_t from_stride, To *to, int64_t to_stride, const Rows &rows) {
    for (int64_t j = 0; j < rows.n; ++j)
        for (int64_t k = 0; k < rows.width; ++k)
            to[j * to_stride + k] = static_cast<To>(from[j * from_stride + k]);
}

// All sweeps of one axis on one bundle of psi; phase is null unless this axis is the last one.
template <class T>
void bundle_pass(T *psi, Work<T> *scratch, const Rows &rows, const mlmd_sweep *sweeps, int64_t nsweeps,
                 const double *phase) {
    constexpr int64_t SIZE = VECTOR_BYTES / sizeof(Work<T>);
    const int64_t padded = (rows.width + SIZE - 1) / SIZE * SIZE;
    copy(psi, rows.stride, scratch, padded, rows);
    for (int64_t k = 0; k < nsweeps; ++k) sweep(scratch, {rows.n, padded, padded}, sweeps[k]);
    if (phase) turn_all(scratch, rows.n * padded, phase);
    copy(scratch, padded, psi, rows.stride, rows);
}

template <class T>
void axis_pass(const mlmd_psi &psi, int axis, const mlmd_sweep *sweeps, int64_t nsweeps, const double *phase,
               Work<T> *scratch, int64_t scratch_size, int threads) {
    T *data = static_cast<T *>(psi.data);
    int64_t outer = 1, inner = 2 * psi.norb;
    for (int k = 0; k < axis; ++k) outer *= psi.n[k];
    for (int k = axis + 1; k < 3; ++k) inner *= psi.n[k];
    constexpr int64_t SIZE = VECTOR_BYTES / sizeof(Work<T>);
    const int64_t n = psi.n[axis], width = std::min(inner, scratch_size / n / SIZE * SIZE);
    const int64_t pieces = (inner + width - 1) / width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t item = 0; item < outer * pieces; ++item) {
        const int64_t begin = item % pieces * width;
        T *first = data + item / pieces * n * inner + begin;
        Work<T> *own = scratch + thread_index() * scratch_size;
        bundle_pass(first, own, {n, std::min(width, inner - begin), inner}, sweeps, nsweeps, phase);
    }
}

template <class T>
void propagate(const mlmd_psi &psi, const mlmd_sweep *sweeps, int64_t nsweeps, const double *phase, int threads) {
    constexpr int64_t SIZE = VECTOR_BYTES / sizeof(Work<T>);
    const int64_t longest = std::max({psi.n[0], psi.n[1], psi.n[2]});
    const int64_t size = std::max<int64_t>(BUNDLE_BYTES / sizeof(Work<T>), longest * SIZE);
    Scratch<Work<T>> scratch(threads * size);
    std::fill_n(scratch.get(), threads * size, Work<T>(0));
    for (int64_t first = 0, last; first < nsweeps; first = last) {
        for (last = first; last < nsweeps && sweeps[last].axis == sweeps[first].axis;) ++last;
        axis_pass<T>(psi, sweeps[first].axis, sweeps + first, last - first, last == nsweeps ? phase : nullptr,
                  scratch.get(), size, threads);
    }
}

}  // namespace

void kin_prop(const mlmd_psi &psi, const mlmd_sweep *sweeps, int64_t nsweeps, const double *phase, int threads) {
    if (psi.type == MLMD_COMPLEX64)
        propagate<float>(psi, sweeps, nsweeps, phase, threads);
    else
        propagate<double>(psi, sweeps, nsweeps, phase, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(kin_prop, const mlmd_psi &, const mlmd_sweep *, int64_t, const double *, int)

static bool fits(const mlmd_psi &psi, const mlmd_sweep &s) {
    if (s.axis < 0 || s.axis > 2 || s.start < 0 || s.count < 0) return false;
    const int64_t n = psi.n[s.axis];
    return s.start + 2 * static_cast<int64_t>(s.count) <= n + (s.count == 0) && (!s.wrap || n > 1);
}

mlmd_status mlmd_kin_prop(const mlmd_psi *psi, const mlmd_sweep *sweeps, int64_t nsweeps, const double *phase,
                          int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!sweeps || nsweeps < 1 || !phase) return mlmd::fail(MLMD_BAD_ARGUMENT, "sweeps or phase is missing");
    for (int64_t k = 0; k < nsweeps; ++k)
        if (!fits(*psi, sweeps[k])) return mlmd::fail(MLMD_BAD_ARGUMENT, "a sweep reaches beyond the grid");
    MLMD_GUARDED(MLMD_PICK(kin_prop)(*psi, sweeps, nsweeps, phase, threads))
}
#endif
