// The sweeps of a kinetic step, as kernels/kin_prop.py makes them and tells why, and working memory for the calls.
#include <cmath>
#include <mutex>
#include <vector>

#include "packed.h"
#include "plan.h"

namespace {

using mlmd::MLMD_ISA::Scratch;

constexpr int64_t WORK_REALS = 6;  // for each grid point

// Sets of pairs along an axis without a point in common: first point, pairs in a row, wrap pair too.
struct Pairs {
    int32_t start, count, wrap;
};

// psi <- W/2 E/2 O E/2 W/2 psi: even and odd pairs, and the lone wrap pair of an odd number of points.
void add_sweeps(int32_t axis, const mlmd_box &grid, double dt, std::vector<mlmd_sweep> *sweeps) {
    const int32_t n = static_cast<int32_t>(grid.n[axis]), wrap = grid.periodic[axis] && n % 2 == 0;
    const Pairs even = {0, n / 2, 0}, odd = {1, (n - 1) / 2, wrap}, lone = {0, 0, grid.periodic[axis] && !wrap};
    const auto add = [&](const Pairs &pairs, double share) {
        if (!pairs.count && !pairs.wrap) return;
        const double h = grid.h[axis];
        sweeps->push_back({axis, pairs.start, pairs.count, pairs.wrap, share * dt / (2.0 * h * h)});
    };
    add(lone, 0.5);
    add(even, 0.5);
    add(odd, 1.0);
    add(even, 0.5);
    add(lone, 0.5);
}

struct KinProp : mlmd_plan {
    KinProp(const mlmd_domain &on, double dt)
        : dt(dt),
          work_bytes(WORK_REALS * on.grid.n[0] * on.grid.n[1] * on.grid.n[2] *
                     (on.type == MLMD_COMPLEX64 ? sizeof(float) : sizeof(double))),
          work(work_bytes) {
        for (int32_t axis = 0; axis < 3; ++axis) add_sweeps(axis, on.grid, dt, &sweeps);
        double diagonal = 0.0;
        for (double h : on.grid.h) diagonal += std::pow(h, -2);
        phase = dt * diagonal;
    }

    // A second call at the same time goes without the kept memory.
    mlmd_status propagate(const mlmd_psi &psi, int64_t blocks, const double *A, const double *v, int32_t steps) const {
        const std::unique_lock<std::mutex> mine(busy, std::try_to_lock);
        mlmd_kinetic how = {
            sweeps.data(), static_cast<int64_t>(sweeps.size()), {}, phase, v, 0.5 * dt, 0.5 * dt, steps, nullptr, 0};
        for (int axis = 0; A && axis < 3; ++axis) how.theta[axis] = A[axis] * on.grid.h[axis] / mlmd::SPEED_OF_LIGHT;
        if (mine.owns_lock()) {
            how.work = work.get();
            how.work_bytes = work_bytes;
        }
        return mlmd_kin_prop(&psi, blocks, &how, &launch);
    }

    const double dt;
    double phase = 0.0;
    std::vector<mlmd_sweep> sweeps;
    const int64_t work_bytes;
    const Scratch<char> work;
    mutable std::mutex busy;
};

}  // namespace

mlmd_status mlmd_plan_kin_prop(const mlmd_domain *on, double dt, const mlmd_options *options, mlmd_plan **plan) {
    return mlmd::make_plan({"kin_prop", on, {}, "", dt}, options, plan,
                           [=](const mlmd_launch &) { return std::make_unique<KinProp>(*on, dt); });
}

mlmd_status mlmd_execute_kin_prop(const mlmd_plan *plan, void *psi, const double *A, const double *v, int32_t steps) {
    const KinProp *own = mlmd::as<KinProp>(plan);
    return own ? own->propagate(own->waves(psi), 1, A, v, steps) : mlmd::not_of("kin_prop");
}

mlmd_status mlmd_execute_kin_prop_packed(const mlmd_plan *plan, void *packed, const double *A, const double *v,
                                         int32_t steps) {
    const KinProp *own = mlmd::as<KinProp>(plan);
    if (!own) return mlmd::not_of("kin_prop");
    mlmd_psi block = own->waves(packed);
    block.norb = mlmd::lanes(block.type);
    return own->propagate(block, mlmd::blocks(own->on), A, v, steps);
}
