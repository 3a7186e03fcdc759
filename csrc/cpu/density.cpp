// Density: the weighted squares of the orbitals of each grid point, summed in double precision.
#include <algorithm>

#include "common.h"
#include "mlmd/simd.h"
#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BLOCK = 64;  // grid points of a parallel work item

// The density of some points in a row: independent sums hide the latency of the additions.
template <int POINTS, class P, class T>
MLMD_INLINE void add_squares(const T *psi, const Weights<P> &weights, double *n) {
    P sums[POINTS];
    for (P &sum : sums) sum = P::zero();
    weights.each([&](int64_t i, P weight) MLMD_LAMBDA {
        for (int q = 0; q < POINTS; ++q) {
            const P x = widened<P>(psi + q * weights.width() + i);
            sums[q] = sums[q] + (weight.v * x.v) * x;
        }
    });
    for (int q = 0; q < POINTS; ++q) n[q] = total(sums[q]);
}

template <class P, class T>
void sum_squares(const mlmd_psi &psi, const double *f, double *n, int threads) {
    const Weights<P> weights(f, psi.norb);
    const T *data = static_cast<const T *>(psi.data);
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], blocks = (points + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; ++block) {
        int64_t p = block * BLOCK;
        const int64_t end = std::min(p + BLOCK, points);
        for (; p + 4 <= end; p += 4) add_squares<4>(data + p * weights.width(), weights, n + p);
        for (; p < end; ++p) add_squares<1>(data + p * weights.width(), weights, n + p);
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
