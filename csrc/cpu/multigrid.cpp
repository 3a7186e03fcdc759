// Multigrid for the 3-point Poisson equation; what it does and why is told in kernels/multigrid.py.
#include <algorithm>
#include <cmath>

#include "common.h"
#include "levels.h"
#include "smoother.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

// First fine plane whose lower coarse neighbour is J or beyond.
int64_t first_above(const std::vector<Link> &links, int64_t J) {
    return std::lower_bound(links.begin(), links.end(), J, [](const Link &l, int64_t value) { return l.low < value; }) -
           links.begin();
}

void add_scaled(double factor, const double *from, double *to, int64_t n) {
    if (factor == 0.0) return;
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) to[k] += factor * from[k];
}

class Solver {
  public:
    Solver(const mlmd_level *levels, int64_t count, int threads)
        : levels_(make_hierarchy(levels, count, threads)), threads_(threads),
          zeros_(levels[0].box.n[1] * levels[0].box.n[2]) {
        std::fill_n(zeros_.get(), levels[0].box.n[1] * levels[0].box.n[2], 0.0);
        for (int k = 0; k < threads; ++k) windows_.push_back(std::make_unique<Window>(levels[0].box));
    }

    void run(double *v, const double *rhs, mlmd_convergence *goal) {
        Level &top = *levels_[0];
        const double target = std::sqrt(squares(rhs, points(top.about.box)));
        double left = relax(top, v, rhs, top.a.get(), 0.0, 1.0, threads_);
        for (goal->cycles = 0;; ++goal->cycles) {
            goal->residual = std::sqrt(left) / target;
            if (goal->residual <= goal->tol || goal->cycles == goal->max_cycles) return;
            left = cycle(0, v, v, rhs);
        }
    }

  private:
    // A V-cycle from `start` (null: zeros) to v; returns the sum of the squares of the residuals.
    double cycle(size_t depth, const double *start, double *v, const double *rhs) {
        Level &level = *levels_[depth];
        if (depth + 1 == levels_.size()) {
            v[0] = level.about.weight[0] * rhs[0];
            return 0.0;
        }
        Level &next = *levels_[depth + 1];
        descend(level, next, start, rhs);
        cycle(depth + 1, nullptr, next.v.get(), next.rhs.get());
        return ascend(level, next, v, rhs);
    }

    // Sweeps from `start` to level.a, and the residual restricted to next.rhs: along x and y while the pass goes on,
    // into level.b, then along z.  A coarse plane is summed up by one thread, in the same order for any threads.
    void descend(Level &level, Level &next, const double *start, const double *rhs) {
        const mlmd_box &fine = level.about.box, &coarse = next.about.box;
        const int64_t plane = fine.n[1] * fine.n[2], columns = coarse.n[1] * fine.n[2];
        const double scale = fine.h[0] * fine.h[1] * fine.h[2] / (coarse.h[0] * coarse.h[1] * coarse.h[2]);
        const bool images = fine.periodic[0] && coarse.n[0] > 1;
        const int64_t pieces = std::min<int64_t>(team(fine, threads_), coarse.n[0]);
#pragma omp parallel for num_threads(pieces) schedule(static)
        for (int64_t piece = 0; piece < pieces; ++piece) {
            const int64_t J0 = coarse.n[0] * piece / pieces, J1 = coarse.n[0] * (piece + 1) / pieces;
            double *sums = level.b.get();
            std::fill(sums + J0 * columns, sums + J1 * columns, 0.0);
            const auto begin = [&](int64_t, double *) { return static_cast<const double *>(nullptr); };
            const auto given = [&](int64_t i, double *) { return start + i * plane; };
            const auto take = [&](int64_t i, int64_t iy, const double *row) {
                const Link x = level.links[0][i < 0 ? i + fine.n[0] : i], y = level.links[1][iy];
                const int64_t low = i < 0 ? x.low - coarse.n[0] : x.low;
                const int64_t high = images && x.high_weight != 0.0 ? low + 1 : x.high;
                const auto add = [&](int64_t J, double weight) {
                    if (J < J0 || J >= J1 || weight == 0.0) return;
                    add_scaled(scale * weight * y.low_weight, row, sums + J * columns + y.low * fine.n[2], fine.n[2]);
                    add_scaled(scale * weight * y.high_weight, row, sums + J * columns + y.high * fine.n[2], fine.n[2]);
                };
                add(low, x.low_weight);
                add(high, x.high_weight);
            };
            const int64_t first = first_above(level.links[0], J0), end = first_above(level.links[0], J1);
            const int64_t before = J0 > 0 ? first_above(level.links[0], J0 - 1)
                                          : images ? first_above(level.links[0], coarse.n[0] - 1) - fine.n[0] : 0;
            const Range range = {before, first, end};
            Window &window = *windows_[thread_index()];
            if (start)
                Pass(level, rhs, zeros_.get(), level.a.get(), given, take).run(range, window);
            else
                Pass(level, rhs, zeros_.get(), level.a.get(), begin, take).run(range, window);
            restrict_rows(level, next, J0 * coarse.n[1], J1 * coarse.n[1]);
        }
    }

    // Along z, the rows [first, end) of level.b to those of next.rhs.
    void restrict_rows(const Level &level, const Level &next, int64_t first, int64_t end) const {
        const int64_t nz = level.about.box.n[2], coarse = next.about.box.n[2];
        const Link *links = level.links[2].data();
        for (int64_t r = first; r < end; ++r) {
            const double *row = level.b.get() + r * nz;
            double *to = next.rhs.get() + r * coarse;
            std::fill_n(to, coarse, 0.0);
            for (int64_t k = 0; k < nz; ++k) {
                to[links[k].low] += links[k].low_weight * row[k];
                to[links[k].high] += links[k].high_weight * row[k];
            }
        }
    }

    // Sweeps from level.a + the interpolated next.v to v; returns the sum of the squares of the residuals.
    double ascend(Level &level, Level &next, double *v, const double *rhs) {
        const mlmd_box &fine = level.about.box, &coarse = next.about.box;
        const int64_t ny = fine.n[1], nz = fine.n[2], columns = coarse.n[1] * nz;
        const int64_t pieces = std::min<int64_t>(team(fine, threads_), fine.n[0]);
        interpolate_rows(level, next);
        const auto corrected = [&](int64_t i, double *to) {
            const Link x = level.links[0][i];
            const double *low = level.b.get() + x.low * columns, *high = level.b.get() + x.high * columns;
            std::copy_n(level.a.get() + i * ny * nz, ny * nz, to);
            for (int64_t iy = 0; iy < ny; ++iy) {
                const Link y = level.links[1][iy];
                double *row = to + iy * nz;
                add_scaled(x.low_weight * y.low_weight, low + y.low * nz, row, nz);
                add_scaled(x.low_weight * y.high_weight, low + y.high * nz, row, nz);
                add_scaled(x.high_weight * y.low_weight, high + y.low * nz, row, nz);
                add_scaled(x.high_weight * y.high_weight, high + y.high * nz, row, nz);
            }
            return static_cast<const double *>(to);
        };
        double *sums = level.sums.get();
        std::fill_n(sums, fine.n[0], 0.0);
        const auto take = [&](int64_t i, int64_t, const double *row) { sums[i] += squares(row, nz); };
#pragma omp parallel for num_threads(pieces) schedule(static)
        for (int64_t piece = 0; piece < pieces; ++piece) {
            const int64_t first = fine.n[0] * piece / pieces, end = fine.n[0] * (piece + 1) / pieces;
            Pass(level, rhs, zeros_.get(), v, corrected, take).run({first, first, end}, *windows_[thread_index()]);
        }
        double total = 0.0;
        for (int64_t i = 0; i < fine.n[0]; ++i) total += sums[i];
        return total;
    }

    // Along z, next.v to level.b.
    void interpolate_rows(const Level &level, const Level &next) const {
        const int64_t nz = level.about.box.n[2], coarse = next.about.box.n[2];
        const int64_t rows = next.about.box.n[0] * next.about.box.n[1];
        const Link *links = level.links[2].data();
#pragma omp parallel for num_threads(team(level.about.box, threads_)) schedule(static)
        for (int64_t r = 0; r < rows; ++r) {
            const double *row = next.v.get() + r * coarse;
            double *to = level.b.get() + r * nz;
            for (int64_t k = 0; k < nz; ++k)
                to[k] = links[k].low_weight * row[links[k].low] + links[k].high_weight * row[links[k].high];
        }
    }

    Levels levels_;
    int threads_;
    Scratch<double> zeros_;
    std::vector<std::unique_ptr<Window>> windows_;
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
