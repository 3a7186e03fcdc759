// Local propagator: blocks of grid points, each done by one thread.
#include <algorithm>

#include "common.h"
#include "mlmd/loc_prop_points.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class T>
void propagate(const mlmd_psi &psi, const double *v, double dt, const mlmd_launch &launch) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], width = 2 * psi.norb;
    T *data = static_cast<T *>(psi.data);
    each_item(launch, (points + PHASES - 1) / PHASES, [&](int64_t item) {
        const int64_t first = item * PHASES;
        turn_points(data + first * width, v + first, dt, std::min(PHASES, points - first), width);
    });
}

}  // namespace

void loc_prop(const mlmd_psi &psi, const double *v, double dt, const mlmd_launch &launch) {
    if (psi.type == MLMD_COMPLEX64)
        propagate<float>(psi, v, dt, launch);
    else
        propagate<double>(psi, v, dt, launch);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(loc_prop, const mlmd_psi &, const double *, double, const mlmd_launch &)

mlmd_status mlmd_loc_prop(const mlmd_psi *psi, const double *v, double dt, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi)) return status;
    if (!v) return mlmd::fail(MLMD_BAD_ARGUMENT, "v is null");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), loc_prop)(*psi, v, dt, *launch))
}
#endif
