// Local propagator: blocks of grid points, each done by one thread.
#include <algorithm>

#include "common.h"
#include "mlmd/loc_prop_points.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class T>
void propagate(const mlmd_psi &psi, const double *v, double dt, int threads) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], width = 2 * psi.norb;
    T *data = static_cast<T *>(psi.data);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < points; first += PHASES)
        turn_points(data + first * width, v + first, dt, std::min(PHASES, points - first), width);
}

}  // namespace

void loc_prop(const mlmd_psi &psi, const double *v, double dt, int threads) {
    if (psi.type == MLMD_COMPLEX64)
        propagate<float>(psi, v, dt, threads);
    else
        propagate<double>(psi, v, dt, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(loc_prop, const mlmd_psi &, const double *, double, int)

mlmd_status mlmd_loc_prop(const mlmd_psi *psi, const double *v, double dt, int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!v) return mlmd::fail(MLMD_BAD_ARGUMENT, "v is null");
    MLMD_GUARDED(MLMD_PICK(loc_prop)(*psi, v, dt, threads))
}
#endif
