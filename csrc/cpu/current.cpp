// Norm, bond sums of the three axes and, if wished, the density in one read of psi.
//
// The neighbours along x and y are read again as points of their own: blocks of lines are swept along x so that
// the plane ahead is still in the cache when its turn comes.
#include <algorithm>

#include "common.h"
#include "mlmd/simd.h"
#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t TERMS = 7;  // norm, then re and im of the three bond sums
constexpr int64_t CACHE_BYTES = 768 * 1024;  // of two planes of a block
constexpr int64_t PREFETCH_BYTES = 2048;       // how far ahead memory is asked for the plane ahead
constexpr int64_t PLANES = 4;                // of a parallel work item

// Grid points along z; step is 0 for the zeros beyond a Dirichlet end.
template <class T>
struct Line {
    const T *first;
    int64_t step;
    const T *at(int64_t iz) const { return first + iz * step; }
};

// Sums over the lanes of conj(x) y of the bonds of the three axes.
template <class P>
struct Bonds {
    P even[3], odd[3];
    Bonds() {
        for (int axis = 0; axis < 3; ++axis) even[axis] = odd[axis] = P::zero();
    }

    MLMD_INLINE void add(int axis, P x, P swapped, P y) {
        even[axis] = even[axis] + x.v * y;
        odd[axis] = odd[axis] + swapped.v * y;
    }

    void add_to(double *sums) const {
        for (int axis = 0; axis < 3; ++axis) {
            sums[2 * axis] += total(even[axis]);
            sums[2 * axis + 1] += total(P::alternate(1.0) * odd[axis]);
        }
    }
};

// A line of points, the lines next to it along x and y, and zeros to stand for what is beyond the ends.
template <class T>
struct Place {
    Line<T> here, right, up;
    const T *after;  // the neighbour of the last point
};

template <int POINTS, class P, class T>
MLMD_INLINE void add_points(const Place<T> &place, int64_t iz, const T *after, const Weights<P> &weights,
                            Bonds<P> &bonds, double *n) {
    P squares[POINTS];
    for (P &square : squares) square = P::zero();
    weights.each([&](int64_t i, P weight) MLMD_LAMBDA {
        P x = widened<P>(place.here.at(iz) + i);
        for (int q = 0; q < POINTS; ++q) {
            const P next = widened<P>((q + 1 < POINTS ? place.here.at(iz + q + 1) : after) + i);
            const P weighted = weight.v * x, swapped = weighted.swapped();
            squares[q] = squares[q] + weighted.v * x;
            const T *right = place.right.at(iz + q) + i;
            __builtin_prefetch(right + PREFETCH_BYTES / sizeof(T), 0, 2);
            bonds.add(0, weighted, swapped, widened<P>(right));
            bonds.add(1, weighted, swapped, widened<P>(place.up.at(iz + q) + i));
            bonds.add(2, weighted, swapped, next);
            x = next;
        }
    });
    for (int q = 0; q < POINTS; ++q) n[iz + q] = total(squares[q]);
}

template <class P, class T>
void line_sums(const Place<T> &place, int64_t nz, const Weights<P> &weights, double *n, double *sums) {
    Bonds<P> bonds;
    int64_t iz = 0;
    for (; iz + 2 < nz; iz += 2) add_points<2>(place, iz, place.here.at(iz + 2), weights, bonds, n);
    for (; iz < nz; ++iz) add_points<1>(place, iz, iz + 1 < nz ? place.here.at(iz + 1) : place.after, weights, bonds, n);
    for (iz = 0; iz < nz; ++iz) sums[0] += n[iz];
    bonds.add_to(sums + 1);
}

template <class P, class T>
class Grid {
  public:
    Grid(const mlmd_psi &psi, const double *f, const int32_t *periodic)
        : psi_(psi), periodic_(periodic), weights_(f, psi.norb), zeros_(weights_.width()) {
        std::fill_n(zeros_.get(), weights_.width(), T(0));
        const int64_t line = psi.n[2] * weights_.width() * sizeof(T);
        height_ = std::clamp<int64_t>(CACHE_BYTES / (2 * line), 1, psi.n[1]);
    }

    int64_t items() const { return steps() * ((psi_.n[1] + height_ - 1) / height_); }

    // The sums of an item: some planes of a block of lines; n is null or the density, `line` scratch for one line of it.
    void item_sums(int64_t item, double *n, double *line, double *sums) const {
        const int64_t x0 = item % steps() * PLANES, y0 = item / steps() * height_;
        for (int64_t ix = x0; ix < std::min(x0 + PLANES, psi_.n[0]); ++ix)
            for (int64_t iy = y0; iy < std::min(y0 + height_, psi_.n[1]); ++iy)
                line_sums(place(ix, iy), psi_.n[2], weights_, n ? n + (ix * psi_.n[1] + iy) * psi_.n[2] : line, sums);
    }

  private:
    int64_t steps() const { return (psi_.n[0] + PLANES - 1) / PLANES; }

    Place<T> place(int64_t ix, int64_t iy) const {
        const Line<T> here = line(ix, iy);
        return {here, ahead(0, ix) ? line((ix + 1) % psi_.n[0], iy) : Line<T>{zeros_.get(), 0},
                ahead(1, iy) ? line(ix, (iy + 1) % psi_.n[1]) : Line<T>{zeros_.get(), 0},
                periodic_[2] ? here.first : zeros_.get()};
    }

    Line<T> line(int64_t ix, int64_t iy) const {
        const int64_t width = weights_.width();
        return {static_cast<const T *>(psi_.data) + (ix * psi_.n[1] + iy) * psi_.n[2] * width, width};
    }

    // Whether there is a bond to the next point of an axis.
    bool ahead(int axis, int64_t i) const { return i + 1 < psi_.n[axis] || periodic_[axis]; }

    const mlmd_psi &psi_;
    const int32_t *periodic_;
    Weights<P> weights_;
    Scratch<T> zeros_;
    int64_t height_;
};

// Each item has its own sums, added in order at the end: the same bits for any number of threads.
template <class P, class T>
void bond_sums(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *n, double *sums,
               int threads) {
    const Grid<P, T> grid(psi, f, periodic);
    const int64_t items = grid.items(), nz = psi.n[2];
    Scratch<double> parts(items * TERMS), lines(threads * nz);
    std::fill_n(parts.get(), items * TERMS, 0.0);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t item = 0; item < items; ++item)
        grid.item_sums(item, n, lines.get() + thread_index() * nz, parts.get() + item * TERMS);
    std::fill_n(sums, 8, 0.0);
    for (int64_t item = 0; item < items; ++item)
        for (int64_t k = 0; k < TERMS; ++k) sums[k ? k + 1 : 0] += parts.get()[item * TERMS + k] * dv;
}

}  // namespace

void current(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *n, double *sums,
             int threads) {
    with_pack(2 * psi.norb, [&](auto tag) {
        typedef decltype(tag) P;
        if (psi.type == MLMD_COMPLEX64)
            bond_sums<P, float>(psi, f, periodic, dv, n, sums, threads);
        else
            bond_sums<P, double>(psi, f, periodic, dv, n, sums, threads);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(current, const mlmd_psi &, const double *, const int32_t *, double, double *, double *, int)

mlmd_status mlmd_current(const mlmd_psi *psi, const double *f, const int32_t *periodic, double dv, double *n,
                         double *sums, int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!f || !periodic || !sums) return mlmd::fail(MLMD_BAD_ARGUMENT, "f, periodic or sums is null");
    MLMD_GUARDED(MLMD_PICK(current)(*psi, f, periodic, dv, n, sums, threads))
}
#endif
