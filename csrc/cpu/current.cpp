// Norm and bond sums of the three axes in one read of psi.
#include <algorithm>

#include "common.h"
#include "simd.h"
#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t TERMS = 7;  // norm, then re and im of the three bond sums

// Where the lines of grid points along z begin, and the weights of one line.
template <class T>
struct Grid {
    const T *data;
    const double *weights;
    const int64_t *n;
    const int32_t *periodic;
    int64_t width;  // reals of a grid point

    const T *line(int64_t ix, int64_t iy) const { return data + (ix * n[1] + iy) * n[2] * width; }

    // The next index along an axis, or -1 beyond a Dirichlet end.
    int64_t next(int axis, int64_t i) const { return i + 1 < n[axis] ? i + 1 : periodic[axis] ? 0 : -1; }
};

template <class T>
void plane_sums(const Grid<T> &grid, int64_t ix, double *sums) {
    const int64_t whole = grid.n[2] * grid.width, last = whole - grid.width;
    const int64_t right = grid.next(0, ix);
    for (int64_t iy = 0; iy < grid.n[1]; ++iy) {
        const T *here = grid.line(ix, iy);
        const int64_t up = grid.next(1, iy);
        sums[0] += weighted_square(here, grid.weights, whole);
        if (right >= 0) weighted_product(here, grid.line(right, iy), grid.weights, whole, sums + 1, sums + 2);
        if (up >= 0) weighted_product(here, grid.line(ix, up), grid.weights, whole, sums + 3, sums + 4);
        weighted_product(here, here + grid.width, grid.weights, last, sums + 5, sums + 6);
        if (grid.periodic[2]) weighted_product(here + last, here, grid.weights, grid.width, sums + 5, sums + 6);
    }
}

template <class T>
void bond_sums(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *sums, int threads) {
    const int64_t width = 2 * psi.norb, whole = psi.n[2] * width;
    Scratch<double> weights(whole), planes(psi.n[0] * TERMS);
    for (int64_t k = 0; k < whole; ++k) weights.get()[k] = f[k % width / 2] * dv;
    std::fill_n(planes.get(), psi.n[0] * TERMS, 0.0);
    const Grid<T> grid = {static_cast<const T *>(psi.data), weights.get(), psi.n, periodic, width};
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t ix = 0; ix < psi.n[0]; ++ix) plane_sums(grid, ix, planes.get() + ix * TERMS);
    std::fill_n(sums, 8, 0.0);
    for (int64_t ix = 0; ix < psi.n[0]; ++ix)
        for (int64_t k = 0; k < TERMS; ++k) sums[k ? k + 1 : 0] += planes.get()[ix * TERMS + k];
}

}  // namespace

void current(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *sums, int threads) {
    if (psi.type == MLMD_COMPLEX64)
        bond_sums<float>(psi, f, periodic, dv, sums, threads);
    else
        bond_sums<double>(psi, f, periodic, dv, sums, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(current, const mlmd_psi &, const double *, const int32_t *, double, double *, int)

mlmd_status mlmd_current(const mlmd_psi *psi, const double *f, const int32_t *periodic, double dv, double *sums,
                         int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!f || !periodic || !sums) return mlmd::fail(MLMD_BAD_ARGUMENT, "f, periodic or sums is null");
    MLMD_GUARDED(MLMD_PICK(current)(*psi, f, periodic, dv, sums, threads))
}
#endif
