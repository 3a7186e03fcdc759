// A program with an OpenMP loop of its own: blocks of orbitals go to its threads, each of which has a plan that uses
// one thread.  The result is compared with that of one plan that uses all threads on all orbitals.
//
// Orbitals of a crystal do not see one another in a kinetic step, nor do the domains of a divided cell.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <omp.h>

#include "mlmd/mlmd_plans.h"

using Waves = std::vector<std::complex<double>>;
using Plan = std::unique_ptr<mlmd_plan, decltype(&mlmd_destroy)>;

constexpr int64_t N[3] = {16, 18, 20};
constexpr int64_t POINTS = N[0] * N[1] * N[2];
constexpr int64_t NORB = 12, BLOCK = 4, BLOCKS = NORB / BLOCK;
constexpr double H = 0.5, DT = 0.04, A[3] = {0.0, 2.0, 5.0};
constexpr int STEPS = 20;

static void check(mlmd_status status) {
    if (status) throw std::runtime_error(std::string(mlmd_status_name(status)) + ": " + mlmd_last_error());
}

static mlmd_domain domain(int64_t norb) { return {{{N[0], N[1], N[2]}, {H, H, H}, {1, 1, 1}}, norb, MLMD_COMPLEX128}; }

static mlmd_options with_threads(int threads) {
    mlmd_options options = MLMD_DEFAULT_OPTIONS;
    options.threads = threads;
    return options;
}

static Plan kinetic_plan(int64_t norb, int threads) {
    const mlmd_domain on = domain(norb);
    const mlmd_options options = with_threads(threads);
    mlmd_plan *plan = nullptr;
    check(mlmd_plan_kin_prop(&on, DT, &options, &plan));
    return Plan(plan, mlmd_destroy);
}

// Orbitals begin, begin + 1, ... of all as psi[point][orbital]: waves with a ripple, the same in every layout.
static Waves orbitals(int64_t begin, int64_t count) {
    Waves psi(POINTS * count);
    for (int64_t p = 0; p < POINTS; ++p)
        for (int64_t s = 0; s < count; ++s)
            psi[p * count + s] =
                std::polar(1.0 + 0.3 * std::sin(0.7 * p * (begin + s + 1)), 0.1 * p + 0.9 * (begin + s));
    return psi;
}

static std::vector<double> potential() {
    std::vector<double> v(POINTS);
    for (int64_t p = 0; p < POINTS; ++p) v[p] = std::cos(0.3 * p);
    return v;
}

// The caller's own parallel loop; an exception must not leave it, so it keeps the worst status.
static std::vector<Waves> by_own_loop(const std::vector<double> &v) {
    std::vector<Waves> parts(BLOCKS);
    std::vector<mlmd_status> answers(BLOCKS, MLMD_INTERNAL_ERROR);
    std::vector<Plan> plans;
    for (int thread = 0; thread < omp_get_max_threads(); ++thread) plans.push_back(kinetic_plan(BLOCK, 1));
#pragma omp parallel for schedule(dynamic)
    for (int64_t b = 0; b < BLOCKS; ++b) {
        parts[b] = orbitals(b * BLOCK, BLOCK);
        answers[b] = mlmd_execute_kin_prop(plans[omp_get_thread_num()].get(), parts[b].data(), A, v.data(), STEPS);
    }
    for (mlmd_status answer : answers) check(answer);
    return parts;
}

// One plan, called by all threads at the same time.
static std::vector<Waves> by_shared_plan(const std::vector<double> &v) {
    std::vector<Waves> parts(BLOCKS);
    std::vector<mlmd_status> answers(BLOCKS, MLMD_INTERNAL_ERROR);
    const Plan plan = kinetic_plan(BLOCK, 1);
#pragma omp parallel for schedule(dynamic)
    for (int64_t b = 0; b < BLOCKS; ++b) {
        parts[b] = orbitals(b * BLOCK, BLOCK);
        answers[b] = mlmd_execute_kin_prop(plan.get(), parts[b].data(), A, v.data(), STEPS);
    }
    for (mlmd_status answer : answers) check(answer);
    return parts;
}

static double worst_difference(const Waves &all, const std::vector<Waves> &parts) {
    double worst = 0.0;
    for (int64_t p = 0; p < POINTS; ++p)
        for (int64_t s = 0; s < NORB; ++s)
            worst = std::max(worst, std::abs(all[p * NORB + s] - parts[s / BLOCK][p * BLOCK + s % BLOCK]));
    return worst;
}

static bool report(const char *what, double found) {
    const bool fine = found < 1e-12;
    std::printf("%-46s %.1e   %s\n", what, found, fine ? "ok" : "WRONG");
    return fine;
}

int main() try {
    check(mlmd_check_abi());
    omp_set_num_threads(2);
    const std::vector<double> v = potential();
    const Plan plan = kinetic_plan(NORB, 2);
    char line[256];
    mlmd_plan_describe(plan.get(), line, sizeof line);
    std::puts(line);

    Waves all = orbitals(0, NORB);
    double norm = 0.0, before = 0.0;
    for (const auto &number : all) before += std::norm(number);
    check(mlmd_execute_kin_prop(plan.get(), all.data(), A, v.data(), STEPS));
    for (const auto &number : all) norm += std::norm(number);

    bool fine = report("change of the norm in 20 steps", std::abs(norm / before - 1.0));
    fine = report("own loop, a plan for each thread, against one plan", worst_difference(all, by_own_loop(v))) && fine;
    fine = report("own loop, one plan for all threads, the same", worst_difference(all, by_shared_plan(v))) && fine;
    std::puts(fine ? "passed" : "failed");
    return !fine;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
