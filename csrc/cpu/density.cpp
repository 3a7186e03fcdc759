// Density: blocks of grid points, each done by one thread.
#include <algorithm>

#include "common.h"
#include "mlmd/density.h"
#include "weights.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BLOCK = 64;  // grid points of a piece of work

template <class P, class T>
void sum_squares(const mlmd_psi &psi, const double *f, double *n, const mlmd_launch &launch) {
    const Weights<P> weights(f, psi.norb);
    const T *data = static_cast<const T *>(psi.data);
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], block = launch.block ? launch.block : BLOCK;
    each_item(launch, (points + block - 1) / block, [&](int64_t item) {
        const int64_t p = item * block;
        densities<P>(data + p * weights.width(), weights, std::min(block, points - p), n + p);
    });
}

}  // namespace

void density(const mlmd_psi &psi, const double *f, double *n, const mlmd_launch &launch) {
    with_pack(2 * psi.norb, [&](auto tag) {
        typedef decltype(tag) P;
        if (psi.type == MLMD_COMPLEX64)
            sum_squares<P, float>(psi, f, n, launch);
        else
            sum_squares<P, double>(psi, f, n, launch);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(density, const mlmd_psi &, const double *, double *, const mlmd_launch &)

mlmd_status mlmd_density(const mlmd_psi *psi, const double *f, double *n, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi)) return status;
    if (!f || !n) return mlmd::fail(MLMD_BAD_ARGUMENT, "f or n is null");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), density)(*psi, f, n, *launch))
}
#endif
