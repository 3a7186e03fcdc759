#include "plan.h"

namespace {
struct Density : mlmd_plan {};
}  // namespace

mlmd_status mlmd_plan_density(const mlmd_domain *on, const mlmd_options *options, mlmd_plan **plan) {
    return mlmd::make_plan({"density", on}, options, plan,
                           [](const mlmd_launch &) { return std::make_unique<Density>(); });
}

mlmd_status mlmd_execute_density(const mlmd_plan *plan, const void *psi, const double *f, double *n) {
    const Density *own = mlmd::as<Density>(plan);
    if (!own) return mlmd::not_of("density");
    const mlmd_psi waves = own->waves(psi);
    return mlmd_density(&waves, f, n, &own->launch);
}
