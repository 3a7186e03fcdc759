// Problems checked, options read, plans described and freed.
#include "plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "wisdom.h"

namespace mlmd {
namespace {

constexpr int64_t MOST_BYTES = int64_t(1) << 60;  // of wave functions

mlmd_status check_grid(const mlmd_box &grid) {
    for (int axis = 0; axis < 3; ++axis) {
        if (grid.n[axis] < 2 || (grid.periodic[axis] && grid.n[axis] < 3))
            return fail(MLMD_BAD_ARGUMENT,
                        "the grid has an axis with less than 2 points, or a periodic one with less than 3");
        if (grid.n[axis] > std::numeric_limits<int32_t>::max())
            return fail(MLMD_BAD_ARGUMENT, "the grid has an axis with 2^31 points or more");
        if (!(grid.h[axis] > 0.0) || !std::isfinite(grid.h[axis]))
            return fail(MLMD_BAD_ARGUMENT, "a grid spacing is not a finite number above zero");
    }
    return MLMD_OK;
}

mlmd_status read_options(const mlmd_options *given, mlmd_options *options) {
    *options = MLMD_DEFAULT_OPTIONS;
    if (given && given->size != options->size)
        return fail(MLMD_BAD_ARGUMENT, "options.size is not sizeof(mlmd_options): start from MLMD_DEFAULT_OPTIONS");
    if (given) *options = *given;
    if (options->threads < 0) return fail(MLMD_BAD_ARGUMENT, "options.threads is below 0");
    if (options->effort < MLMD_ESTIMATE || options->effort > MLMD_DEFAULTS)
        return fail(MLMD_BAD_ARGUMENT, "options.effort is unknown");
    if (options->stream)
        return fail(MLMD_UNSUPPORTED,
                    "options.stream is not NULL: this library has the processor alone and no streams; "
                    "CUDA streams and SYCL queues are taken by the plans of the Python package");
#ifdef _OPENMP
    if (!options->threads) options->threads = omp_get_max_threads();
#endif
    options->threads = std::max(options->threads, 1);
    return MLMD_OK;
}

}  // namespace

mlmd_status check(const Problem &problem) {
    if (!problem.on) return fail(MLMD_BAD_ARGUMENT, "the domain is null");
    const mlmd_domain &on = *problem.on;
    if (const mlmd_status status = check_grid(on.grid)) return status;
    if (on.norb < 1 && !problem.field) return fail(MLMD_BAD_ARGUMENT, "norb is below 1");
    if (!std::isfinite(problem.dt)) return fail(MLMD_BAD_ARGUMENT, "dt is not finite");
    if (on.type != MLMD_COMPLEX64 && on.type != MLMD_COMPLEX128) return fail(MLMD_BAD_ARGUMENT, "the type is unknown");
    if (problem.rank.value_or(1) < 1) return fail(MLMD_BAD_ARGUMENT, "rank is below 1");
    const double points = double(on.grid.n[0]) * on.grid.n[1] * on.grid.n[2];
    if (16.0 * points * std::max(on.norb, problem.rank.value_or(1)) > MOST_BYTES)
        return fail(MLMD_BAD_ARGUMENT, "the wave functions would be more than any memory holds");
    return MLMD_OK;
}

mlmd_status choose_launch(const Problem &problem, const mlmd_options *given, mlmd_launch *launch, std::string *reason) {
    mlmd_options options;
    if (const mlmd_status status = read_options(given, &options)) return status;
    *launch = {options.threads, 0, 0, 0, 0};
    if (const mlmd_status status = check(options.threads)) return status;
    const char *mode = std::getenv("MLMD_TUNING");
    if (options.effort == MLMD_DEFAULTS || (mode && !std::strcmp(mode, "off"))) {
        *reason = "wisdom was not asked";
        return MLMD_OK;
    }
    const bool found = ask_wisdom(problem, launch, reason);
    if (!found && options.effort == MLMD_WISDOM_ONLY)
        return fail(MLMD_NO_WISDOM, ("no plan of " + problem.kernel + ": " + *reason).c_str());
    return MLMD_OK;
}

std::string line_about(const Problem &problem, const mlmd_launch &launch, const std::string &reason) {
    const mlmd_domain &on = *problem.on;
    std::string line = problem.kernel + ": ";
    for (int axis = 0; axis < 3; ++axis) line += (axis ? " x " : "") + std::to_string(on.grid.n[axis]);
    line += " points, ";
    if (on.norb)
        line += std::to_string(on.norb) + (on.norb == 1 ? " orbital, " : " orbitals, ") + type_name(on.type) + ", ";
    if (problem.rank) line += "rank " + std::to_string(*problem.rank) + ", ";
    if (!problem.mode.empty()) line += problem.mode + ", ";
    line += std::to_string(launch.threads) + (launch.threads == 1 ? " thread, " : " threads, ") + mlmd_device();
    return line + "; " + words(launch) + " (" + reason + ")";
}

}  // namespace mlmd

int64_t mlmd_plan_describe(const mlmd_plan *plan, char *buffer, int64_t size) {
    const std::string line = plan ? plan->about : "no plan";
    if (buffer && size > 0) {
        const size_t shown = std::min(line.size(), static_cast<size_t>(size) - 1);
        std::memcpy(buffer, line.data(), shown);
        buffer[shown] = 0;
    }
    return static_cast<int64_t>(line.size());
}

void mlmd_destroy(mlmd_plan *plan) { delete plan; }
