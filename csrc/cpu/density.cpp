// Density: blocks of grid points, each done by one thread.
#include <algorithm>

#include "common.h"
#include "mlmd/density.h"
#include "weights.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BLOCK = 64;  // grid points of a parallel work item

template <class P, class T>
void sum_squares(const mlmd_psi &psi, const double *f, double *n, int threads) {
    const Weights<P> weights(f, psi.norb);
    const T *data = static_cast<const T *>(psi.data);
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], blocks = (points + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; ++block) {
        const int64_t p = block * BLOCK;
        densities<P>(data + p * weights.width(), weights, std::min(BLOCK, points - p), n + p);
    }
}

}  // namespace

void density(const mlmd_psi &psi, const double *f, double *n, int threads) {
    with_pack(2 * psi.norb, [&](auto tag) {
        typedef decltype(tag) P;
        if (psi.type == MLMD_COMPLEX64)
            sum_squares<P, float>(psi, f, n, threads);
        else
            sum_squares<P, double>(psi, f, n, threads);
    });
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
