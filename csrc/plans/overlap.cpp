#include "plan.h"

namespace {

struct Overlap : mlmd_plan {
    explicit Overlap(int64_t rank) : rank(rank) {}
    const int64_t rank;
};

}  // namespace

mlmd_status mlmd_plan_overlap(const mlmd_domain *on, int64_t rank, const mlmd_options *options, mlmd_plan **plan) {
    return mlmd::make_plan({"overlap", on, rank}, options, plan,
                           [=](const mlmd_launch &) { return std::make_unique<Overlap>(rank); });
}

mlmd_status mlmd_execute_overlap(const mlmd_plan *plan, const void *psi0, const void *psi, double *result) {
    const Overlap *own = mlmd::as<Overlap>(plan);
    if (!own) return mlmd::not_of("overlap");
    const mlmd_psi waves = own->waves(psi);
    const mlmd_lowrank op = {psi0, nullptr, own->rank, own->type(), mlmd::volume_of_point(own->on.grid), 0, nullptr};
    return mlmd_overlap(&waves, &op, result, &own->launch);
}
