// What all plans share: the problem, how the kernel is launched for it, and why so.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "../cpu/common.h"
#include "mlmd/mlmd_plans.h"

struct mlmd_plan {
    virtual ~mlmd_plan() = default;
    mlmd_psi waves(const void *psi) const {
        return {const_cast<void *>(psi), {on.grid.n[0], on.grid.n[1], on.grid.n[2]}, on.norb, type()};
    }
    mlmd_type type() const { return static_cast<mlmd_type>(on.type); }  // checked when the plan was made
    int64_t points() const { return on.grid.n[0] * on.grid.n[1] * on.grid.n[2]; }

    mlmd_domain on;
    mlmd_launch launch;
    std::string about;
};

namespace mlmd {

typedef std::unique_ptr<mlmd_plan> Made;
constexpr double SPEED_OF_LIGHT = 137.035999084;  // atomic units

// What a plan is asked for; a field has norb 0.
struct Problem {
    std::string kernel;
    const mlmd_domain *on;
    std::optional<int64_t> rank = {};
    std::string mode = "";
    double dt = 0.0;
    bool field = false;
};

inline double volume_of_point(const mlmd_box &grid) { return grid.h[0] * grid.h[1] * grid.h[2]; }

mlmd_status check(const Problem &problem);

// The launch for a problem and words on the choice.
mlmd_status choose_launch(const Problem &problem, const mlmd_options *options, mlmd_launch *launch,
                          std::string *reason);

// The line that mlmd_plan_describe gives.
std::string line_about(const Problem &problem, const mlmd_launch &launch, const std::string &reason);

// *plan <- what make(launch) gives for a checked problem; null where an error is returned.
template <class Make>
mlmd_status make_plan(const Problem &problem, const mlmd_options *options, mlmd_plan **plan, Make &&make) {
    if (!plan) return fail(MLMD_BAD_ARGUMENT, "there is no place for the plan");
    *plan = nullptr;
    if (const mlmd_status status = check(problem)) return status;
    try {
        mlmd_launch launch;
        std::string reason;
        if (const mlmd_status status = choose_launch(problem, options, &launch, &reason)) return status;
        Made made = make(launch);
        made->on = *problem.on;
        made->launch = launch;
        made->about = line_about(problem, launch, reason);
        *plan = made.release();
        return MLMD_OK;
    } catch (const std::bad_alloc &) {
        return fail(MLMD_OUT_OF_MEMORY, "not enough memory for the plan");
    } catch (...) {
        return fail(MLMD_INTERNAL_ERROR, "unexpected C++ exception");
    }
}

// The plan as that of one kernel; null if it is none.
template <class Own>
Own *as(mlmd_plan *plan) {
    return dynamic_cast<Own *>(plan);
}

template <class Own>
const Own *as(const mlmd_plan *plan) {
    return dynamic_cast<const Own *>(plan);
}

inline mlmd_status not_of(const char *kernel) {
    return fail(MLMD_BAD_ARGUMENT, (std::string("the plan is null, or not one of ") + kernel).c_str());
}

}  // namespace mlmd
