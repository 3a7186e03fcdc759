// Dynamical simulated annealing of the Hartree potential; what it does and why is told in kernels/dsa.py.
#include <algorithm>

#include "common.h"
#include "levels.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr double SHARE = 0.5;  // of a level's Jacobi correction

// The inverse of the operator's diagonal; 0 where there is no operator: one point of a periodic cell.
double inverse_diagonal(const mlmd_box &box) {
    double diagonal = 0.0;
    for (int axis = 0; axis < 3; ++axis)
        if (box.n[axis] > 1 || !box.periodic[axis]) diagonal += 2.0 / (box.h[axis] * box.h[axis]);
    return diagonal > 0.0 ? 1.0 / diagonal : 0.0;
}

class Annealer {
  public:
    Annealer(const mlmd_level *levels, int64_t count, int threads)
        : levels_(make_hierarchy(levels, count, threads)), threads_(threads) {}

    void sweep(double *v, double *motion, const double *rhs, double keep, double gain) {
        Level &top = *levels_[0];
        relax(top, v, rhs, top.rhs.get(), 0.0, 1.0, threads_);
        accelerate(0);
        const double *pull = top.v.get();
        const int64_t size = points(top.about.box);
#pragma omp parallel for simd num_threads(team(top.about.box, threads_)) schedule(static)
        for (int64_t p = 0; p < size; ++p) {
            motion[p] = keep * motion[p] + gain * pull[p];
            v[p] += motion[p];
        }
    }

  private:
    // level.v = M^-1 level.rhs: the Jacobi corrections of this level and of the coarser ones, added up.
    void accelerate(size_t depth) {
        Level &level = *levels_[depth];
        const mlmd_box &box = level.about.box;
        const double weight = inverse_diagonal(box) * (depth + 1 < levels_.size() ? SHARE : 1.0);
        const int64_t size = points(box);
        if (depth + 1 == levels_.size()) {
            level.v.get()[0] = weight * level.rhs.get()[0];
            return;
        }
        Level &next = *levels_[depth + 1];
        std::copy_n(level.rhs.get(), size, level.a.get());
        descend(level, next, threads_);
        accelerate(depth + 1);
        const double *coarse = ascend(level, next, threads_), *rhs = level.rhs.get();
        double *pull = level.v.get();
#pragma omp parallel for simd num_threads(team(box, threads_)) schedule(static)
        for (int64_t p = 0; p < size; ++p) pull[p] = weight * rhs[p] + coarse[p];
    }

    Levels levels_;
    int threads_;
};

}  // namespace

void dsa(double *v, double *motion, const double *rhs, const mlmd_level *levels, int64_t nlevels,
         const mlmd_friction &friction, const mlmd_launch &launch) {
    Annealer annealer(levels, nlevels, launch.threads);
    for (int32_t k = 0; k < friction.sweeps; ++k) annealer.sweep(v, motion, rhs, friction.keep[k], friction.gain[k]);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(dsa, double *, double *, const double *, const mlmd_level *, int64_t, const mlmd_friction &,
             const mlmd_launch &)

mlmd_status mlmd_dsa(double *v, double *motion, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                     const mlmd_friction *friction, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (!v || !motion || !rhs || !friction) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is null");
    if (const mlmd_status status = mlmd::MLMD_ISA::check_levels(levels, nlevels)) return status;
    if (friction->sweeps < 1 || !friction->keep || !friction->gain)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "there are no sweeps");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), dsa)(v, motion, rhs, levels, nlevels, *friction, *launch))
}
#endif
