// The Hartree potential as kernels/hartree.py has it: the source, the solver, and what annealing keeps between calls.
#include <algorithm>
#include <cmath>
#include <mutex>

#include "levels.h"

namespace {

typedef std::vector<double> Field;

double mean(const double *field, int64_t size) {
    constexpr int64_t PART = 4096;  // summed apart, which keeps the rounding small
    double total = 0.0;
    for (int64_t begin = 0; begin < size; begin += PART) {
        double sum = 0.0;
        for (int64_t k = begin; k < std::min(begin + PART, size); ++k) sum += field[k];
        total += sum;
    }
    return total / size;
}

struct Hartree : mlmd_plan {
    Hartree(const mlmd_box &grid, const mlmd_hartree_method &method)
        : method(method),
          levels(mlmd::make_levels(grid)),
          neutral(grid.periodic[0] && grid.periodic[1] && grid.periodic[2]),
          size(grid.n[0] * grid.n[1] * grid.n[2]),
          source(size) {}
    virtual mlmd_status solve(const double *start, double *v) = 0;

    mlmd_status potential(const double *n, const double *start, double *v) {
        const std::lock_guard<std::mutex> mine(busy);
        const double background = neutral ? mean(n, size) : 0.0;
        for (int64_t p = 0; p < size; ++p) source[p] = 4.0 * M_PI * (n[p] - background);
        return solve(start, v);
    }

    void centre(double *v) const {
        if (!neutral) return;
        const double middle = mean(v, size);
        for (int64_t p = 0; p < size; ++p) v[p] -= middle;
    }

    const mlmd_hartree_method method;
    const std::vector<mlmd_level> levels;
    const bool neutral;
    const int64_t size;
    Field source;
    std::mutex busy;
};

struct Multigrid : Hartree {
    using Hartree::Hartree;

    mlmd_status solve(const double *start, double *v) override {
        const bool nothing = std::all_of(source.begin(), source.end(), [](double x) { return x == 0.0; });
        if (nothing || !start)
            std::fill_n(v, size, 0.0);
        else if (start != v)
            std::copy_n(start, size, v);
        if (nothing) return MLMD_OK;
        mlmd_convergence goal = {method.tol, method.max_cycles, 0, 0.0};
        if (const mlmd_status status = mlmd_multigrid(v, source.data(), levels.data(), levels.size(), &goal, &launch))
            return status;
        centre(v);
        if (goal.residual <= goal.tol) return MLMD_OK;
        const std::string reached = "multigrid did not reach tol in " + std::to_string(goal.cycles) +
                                    " cycles: take a larger tol or max_cycles, and see that n is finite";
        return mlmd::fail(MLMD_NOT_CONVERGED, reached.c_str());
    }
};

struct Annealing : Hartree {
    Annealing(const mlmd_box &grid, const mlmd_hartree_method &method, const mlmd_launch &launch)
        : Hartree(grid, method),
          friction(method.sweeps, mlmd::fastest_mode(levels, launch)),
          order(mlmd::predictor_order(method.sweeps)),
          place(size, 0.0),
          velocity(size, 0.0),
          acceleration(size, 0.0),
          before(size),
          motion(size) {}

    mlmd_status solve(const double *start, double *v) override {
        if (start) {
            std::copy_n(start, size, place.data());
            for (Field *field : {&velocity, &acceleration}) std::fill(field->begin(), field->end(), 0.0);
        }
        predict();
        const mlmd_friction how = {friction.keep.data(), friction.gain.data(), method.sweeps};
        if (const mlmd_status status =
                mlmd_dsa(place.data(), motion.data(), source.data(), levels.data(), levels.size(), &how, &launch))
            return status;
        follow();
        centre(place.data());
        std::copy_n(place.data(), size, v);
        return MLMD_OK;
    }

    void predict() {
        before = place;
        std::fill(motion.begin(), motion.end(), 0.0);
        for (int64_t p = 0; order > 0 && p < size; ++p) place[p] += velocity[p];
        for (int64_t p = 0; order > 1 && p < size; ++p) place[p] += acceleration[p];
    }

    // First and second difference of the potential from call to call.
    void follow() {
        for (int64_t p = 0; p < size; ++p) {
            const double moved = place[p] - before[p];
            acceleration[p] = moved - velocity[p];
            velocity[p] = moved;
        }
    }

    const mlmd::Friction friction;
    const int order;
    Field place, velocity, acceleration, before, motion;
};

mlmd_status checked(const mlmd_hartree_method *given, mlmd_hartree_method *method) {
    *method = given ? *given : mlmd_hartree_method{MLMD_MULTIGRID, 0, 0, 0.0};
    if (method->method != MLMD_MULTIGRID && method->method != MLMD_ANNEALING)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the method is unknown");
    if (method->max_cycles < 0 || method->sweeps < 0 || !(method->tol >= 0.0))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "max_cycles, sweeps or tol is below 0");
    if (!method->max_cycles) method->max_cycles = 100;
    if (!method->sweeps) method->sweeps = 4;
    if (method->tol == 0.0) method->tol = 1e-10;
    return MLMD_OK;
}

}  // namespace

mlmd_status mlmd_plan_hartree(const mlmd_box *grid, const mlmd_hartree_method *given, const mlmd_options *options,
                              mlmd_plan **plan) {
    if (plan) *plan = nullptr;
    mlmd_hartree_method method;
    if (!grid) return mlmd::fail(MLMD_BAD_ARGUMENT, "the grid is null");
    if (const mlmd_status status = checked(given, &method)) return status;
    const bool sweeps = method.method == MLMD_ANNEALING;
    const mlmd_domain on = {*grid, 0, MLMD_COMPLEX128};
    const mlmd::Problem problem = {"hartree", &on, {}, sweeps ? "dsa" : "multigrid", 0.0, true};
    return mlmd::make_plan(problem, options, plan, [&](const mlmd_launch &launch) -> mlmd::Made {
        if (sweeps) return std::make_unique<Annealing>(*grid, method, launch);
        return std::make_unique<Multigrid>(*grid, method);
    });
}

mlmd_status mlmd_execute_hartree(mlmd_plan *plan, const double *n, const double *start, double *v) {
    Hartree *own = mlmd::as<Hartree>(plan);
    if (!own) return mlmd::not_of("hartree");
    if (!n || !v) return mlmd::fail(MLMD_BAD_ARGUMENT, "n or v is null");
    return own->potential(n, start, v);
}
