// Density: the weighted squares of the orbitals of each grid point, summed in double precision.
#include "common.h"
#include "simd.h"
#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class T>
void sum_squares(const mlmd_psi &psi, const double *f, double *n, int threads) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], width = 2 * psi.norb;
    const T *data = static_cast<const T *>(psi.data);
    Scratch<double> weights(width);
    for (int64_t k = 0; k < width; ++k) weights.get()[k] = f[k / 2];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < points; ++p) n[p] = weighted_square(data + p * width, weights.get(), width);
}

}  // namespace

void density(const mlmd_psi &psi, const double *f, double *n, int threads) {
    if (psi.type == MLMD_COMPLEX64)
        sum_squares<float>(psi, f, n, threads);
    else
        sum_squares<double>(psi, f, n, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(density, const mlmd_psi &, const double *, double *, int)

mlmd_status mlmd_density(const mlmd_psi *psi, const double *f, double *n, int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!f || !n) return mlmd::fail(MLMD_BAD_ARGUMENT, "f or n is null");
    MLMD_GUARDED(MLMD_PICK(density)(*psi, f, n, threads))
}
#endif
