// Multigrid for the 3-point Poisson equation; what it does and why is told in kernels/multigrid.py.
#include <algorithm>
#include <cmath>

#include "common.h"
#include "levels.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

class Solver {
  public:
    Solver(const mlmd_level *levels, int64_t count, int threads)
        : levels_(make_hierarchy(levels, count, threads)), threads_(threads) {}

    void run(double *v, const double *rhs, mlmd_convergence *goal) {
        const double target = std::sqrt(squares(rhs, points(levels_[0]->about.box)));
        for (goal->cycles = 0;; ++goal->cycles) {
            goal->residual = std::sqrt(relax(*levels_[0], v, rhs, levels_[0]->a.get(), 0.0, 1.0, threads_)) / target;
            if (goal->residual <= goal->tol || goal->cycles == goal->max_cycles) return;
            cycle(0, v, rhs);
        }
    }

  private:
    void smooth(Level &level, double *v, const double *rhs) {
        relax(level, v, rhs, level.a.get(), 1.0, level.about.weight[0], threads_);
        relax(level, level.a.get(), rhs, v, 1.0, level.about.weight[1], threads_);
    }

    void cycle(size_t depth, double *v, const double *rhs) {
        Level &level = *levels_[depth];
        if (depth + 1 == levels_.size()) {
            v[0] = level.about.weight[0] * rhs[0];
            return;
        }
        Level &next = *levels_[depth + 1];
        smooth(level, v, rhs);
        relax(level, v, rhs, level.a.get(), 0.0, 1.0, threads_);
        descend(level, next, threads_);
        std::fill_n(next.v.get(), points(next.about.box), 0.0);
        cycle(depth + 1, next.v.get(), next.rhs.get());
        const double *correction = ascend(level, next, threads_);
        const int64_t size = points(level.about.box);
        for (int64_t p = 0; p < size; ++p) v[p] += correction[p];
        smooth(level, v, rhs);
    }

    Levels levels_;
    int threads_;
};

}  // namespace

void multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels, mlmd_convergence *goal,
               int threads) {
    Solver(levels, nlevels, threads).run(v, rhs, goal);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(multigrid, double *, const double *, const mlmd_level *, int64_t, mlmd_convergence *, int)

mlmd_status mlmd_multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                           mlmd_convergence *goal, int threads) {
    if (!v || !rhs || !goal) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is missing");
    if (const mlmd_status status = mlmd::MLMD_ISA::check_levels(levels, nlevels, threads)) return status;
    MLMD_GUARDED(MLMD_PICK(multigrid)(v, rhs, levels, nlevels, goal, threads))
}
#endif
