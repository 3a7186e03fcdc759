// Current and kinetic energy from the bond sums; the formulas are in kernels/current.py.
#include <cmath>
#include <complex>

#include "plan.h"

namespace {
struct Current : mlmd_plan {};
}  // namespace

mlmd_status mlmd_plan_current(const mlmd_domain *on, const mlmd_options *options, mlmd_plan **plan) {
    return mlmd::make_plan({"current", on}, options, plan,
                           [](const mlmd_launch &) { return std::make_unique<Current>(); });
}

mlmd_status mlmd_execute_current(const mlmd_plan *plan, const void *psi, const double *f, const double *A, double *n,
                                 mlmd_measure *measure) {
    const Current *own = mlmd::as<Current>(plan);
    if (!own) return mlmd::not_of("current");
    if (!measure) return mlmd::fail(MLMD_BAD_ARGUMENT, "there is no place for the result");
    const mlmd_psi waves = own->waves(psi);
    const mlmd_box &grid = own->on.grid;
    const double dv = mlmd::volume_of_point(grid);
    double sums[8];
    if (const mlmd_status status = mlmd_current(&waves, f, grid.periodic, dv, n, sums, &own->launch)) return status;
    *measure = {sums[0], 0.0, {}};
    for (int axis = 0; axis < 3; ++axis) {
        const double h = grid.h[axis], theta = A ? A[axis] * h / mlmd::SPEED_OF_LIGHT : 0.0;
        const std::complex<double> turned =
            std::polar(1.0, theta) * std::complex<double>(sums[2 + 2 * axis], sums[3 + 2 * axis]);
        measure->kinetic_energy += (measure->norm - turned.real()) / (h * h);
        measure->J[axis] = turned.imag() / (h * dv * own->points());
    }
    return MLMD_OK;
}
