#include "plan.h"

namespace {

struct LocProp : mlmd_plan {
    explicit LocProp(double dt) : dt(dt) {}
    const double dt;
};

}  // namespace

mlmd_status mlmd_plan_loc_prop(const mlmd_domain *on, double dt, const mlmd_options *options, mlmd_plan **plan) {
    return mlmd::make_plan({"loc_prop", on, {}, "", dt}, options, plan,
                           [=](const mlmd_launch &) { return std::make_unique<LocProp>(dt); });
}

mlmd_status mlmd_execute_loc_prop(const mlmd_plan *plan, void *psi, const double *v) {
    const LocProp *own = mlmd::as<LocProp>(plan);
    if (!own) return mlmd::not_of("loc_prop");
    const mlmd_psi waves = own->waves(psi);
    return mlmd_loc_prop(&waves, v, own->dt, &own->launch);
}
