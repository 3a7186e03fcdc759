// Multigrid for the 3-point Poisson equation; what it does and why is told in kernels/multigrid.py.
#include <algorithm>
#include <cmath>

#include "common.h"
#include "levels.h"
#include "smoother.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

// First fine point whose lower coarse neighbour is J or beyond.
int64_t first_above(const std::vector<Link> &links, int64_t J) {
    return std::lower_bound(links.begin(), links.end(), J, [](const Link &l, int64_t value) { return l.low < value; }) -
           links.begin();
}

// The fine and coarse points of an axis.  With `images`, what a periodic axis has before its first point is
// counted with negative numbers, and nothing is folded back at its end.
struct Axis {
    Axis(const std::vector<Link> &links, int64_t coarse, bool images)
        : links(links), fine(static_cast<int64_t>(links.size())), coarse(coarse), images(images && coarse > 1) {}

    // The fine points that add to the coarse points [J0, J1).
    Span span(int64_t J0, int64_t J1) const {
        const int64_t begin = J0 > 0 ? first_above(links, J0 - 1) : images ? first_above(links, coarse - 1) - fine : 0;
        return {begin, first_above(links, J0), first_above(links, J1)};
    }

    // The coarse neighbours of a fine point.
    Link link(int64_t j) const {
        Link l = links[j < 0 ? j + fine : j];
        if (j < 0) l.low -= coarse;
        if (images && l.high_weight != 0.0) l.high = l.low + 1;
        return l;
    }

    const std::vector<Link> &links;
    int64_t fine, coarse;
    bool images;
};

void add_scaled(double factor, const double *from, double *to, int64_t n) {
    if (factor == 0.0) return;
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) to[k] += factor * from[k];
}

class Solver {
  public:
    Solver(const mlmd_level *levels, int64_t count, const mlmd_launch &launch)
        : levels_(make_hierarchy(levels, count, launch.threads)), threads_(launch.threads),
          tile_(launch.block ? launch.block : TILE_KIB), zeros_(levels[0].box.n[2]) {
        std::fill_n(zeros_.get(), levels[0].box.n[2], 0.0);
        int64_t largest = 0;
        for (int64_t k = 0; k < count; ++k) {
            const mlmd_box &box = levels[k].box;
            largest = std::max(largest, (2 * tile_height(box, tile_) + 4 * HALO) * box.n[2]);
        }
        for (int k = 0; k < threads_; ++k) windows_.push_back(std::make_unique<Window>(largest, levels[0].box.n[2]));
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

    // The first half of a visit of the first of two levels, whose planes along x are linked as told.
    void down(const mlmd_slab &slab, const double *start, const double *rhs, double *v, double *coarse) {
        link(slab);
        Level &level = *levels_[0], &next = *levels_[1];
        if (start)
            descend(level, next, Given{start, level.about.box.n[1], level.about.box.n[2]}, rhs);
        else
            descend(level, next, Zeros{}, rhs);
        std::copy_n(level.a.get(), points(level.about.box), v);
        std::copy_n(next.rhs.get(), points(next.about.box), coarse);
    }

    // The second half.
    void up(const mlmd_slab &slab, const double *rhs, const double *coarse, double *v) {
        link(slab);
        Level &level = *levels_[0], &next = *levels_[1];
        std::copy_n(v, points(level.about.box), level.a.get());
        std::copy_n(coarse, points(next.about.box), next.v.get());
        ascend(level, next, v, rhs);
    }

  private:
    void link(const mlmd_slab &slab) {
        std::vector<Link> &links = levels_[0]->links[0];
        for (size_t i = 0; i < links.size(); ++i)
            links[i] = {slab.low[i], slab.low[i] + 1, 1.0 - slab.part[i], slab.part[i]};
    }

    // A V-cycle from `start` (null: zeros) to v; returns the sum of the squares of the residuals.
    double cycle(size_t depth, const double *start, double *v, const double *rhs) {
        Level &level = *levels_[depth];
        if (depth + 1 == levels_.size()) {
            v[0] = level.about.weight[0] * rhs[0];
            return 0.0;
        }
        Level &next = *levels_[depth + 1];
        if (start)
            descend(level, next, Given{start, level.about.box.n[1], level.about.box.n[2]}, rhs);
        else
            descend(level, next, Zeros{}, rhs);
        cycle(depth + 1, nullptr, next.v.get(), next.rhs.get());
        return ascend(level, next, v, rhs);
    }

    struct Zeros {
        static constexpr bool ZERO = true;
        void fill(int64_t, int64_t, double *) const {}
    };

    struct Given {
        static constexpr bool ZERO = false;
        const double *field;
        int64_t ny, nz;
        void fill(int64_t ix, int64_t iy, double *row) const { std::copy_n(field + (ix * ny + iy) * nz, nz, row); }
    };

    // level.a with the correction from level.b, where the coarse grid's rows are already as long as the fine one's.
    struct Corrected {
        static constexpr bool ZERO = false;
        const Level &level;
        int64_t coarse_rows;
        void fill(int64_t ix, int64_t iy, double *row) const {
            const int64_t ny = level.about.box.n[1], nz = level.about.box.n[2];
            const Link x = level.links[0][ix], y = level.links[1][iy];
            const auto add = [&](double weight, int64_t X, int64_t Y) {
                add_scaled(weight, level.b.get() + (X * coarse_rows + Y) * nz, row, nz);
            };
            std::copy_n(level.a.get() + (ix * ny + iy) * nz, nz, row);
            add(x.low_weight * y.low_weight, x.low, y.low);
            add(x.low_weight * y.high_weight, x.low, y.high);
            add(x.high_weight * y.low_weight, x.high, y.low);
            add(x.high_weight * y.high_weight, x.high, y.high);
        }
    };

    // Sweeps from `start` to level.a, and the residual restricted to next.rhs: along x and y while the pass goes on,
    // into level.b, then along z.  A coarse row is summed up by one thread, in the same order for any threads.
    template <class Start>
    void descend(Level &level, Level &next, const Start &start, const double *rhs) {
        const mlmd_box &fine = level.about.box, &coarse = next.about.box;
        const int64_t nz = fine.n[2], blocks = tiles(fine, coarse.n[1]);
        const double scale = fine.h[0] * fine.h[1] * fine.h[2] / (coarse.h[0] * coarse.h[1] * coarse.h[2]);
        const Axis along_x(level.links[0], coarse.n[0], fine.periodic[0]);
        const Axis along_y(level.links[1], coarse.n[1], fine.periodic[1] && blocks > 1);
        const int64_t pieces = std::min<int64_t>(team(fine, threads_), coarse.n[0]);
#pragma omp parallel for num_threads(pieces) schedule(static)
        for (int64_t item = 0; item < pieces * blocks; ++item) {
            const int64_t piece = item / blocks, block = item % blocks;
            const int64_t X0 = coarse.n[0] * piece / pieces, X1 = coarse.n[0] * (piece + 1) / pieces;
            const int64_t Y0 = coarse.n[1] * block / blocks, Y1 = coarse.n[1] * (block + 1) / blocks;
            double *sums = level.b.get();
            for (int64_t X = X0; X < X1; ++X)
                std::fill(sums + (X * coarse.n[1] + Y0) * nz, sums + (X * coarse.n[1] + Y1) * nz, 0.0);
            const auto take = [&](int64_t i, int64_t iy, const double *row) {
                const Link x = along_x.link(i), y = along_y.link(iy);
                const auto add = [&](double weight, int64_t X, int64_t Y) {
                    if (X >= X0 && X < X1 && Y >= Y0 && Y < Y1)
                        add_scaled(scale * weight, row, sums + (X * coarse.n[1] + Y) * nz, nz);
                };
                add(x.low_weight * y.low_weight, x.low, y.low);
                add(x.low_weight * y.high_weight, x.low, y.high);
                add(x.high_weight * y.low_weight, x.high, y.low);
                add(x.high_weight * y.high_weight, x.high, y.high);
            };
            const Span rows = blocks > 1 ? along_y.span(Y0, Y1) : Span{0, 0, fine.n[1]};
            Pass(level, rhs, zeros_.get(), level.a.get(), start, take)
                .run({along_x.span(X0, X1), rows}, *windows_[thread_index()]);
            for (int64_t X = X0; X < X1; ++X)
                restrict_rows(level, next, X * coarse.n[1] + Y0, X * coarse.n[1] + Y1);
        }
    }

    // Tiles of a level along y.
    int64_t tiles(const mlmd_box &box, int64_t most) const {
        const int64_t height = tile_height(box, tile_);
        return std::min(most, (box.n[1] + height - 1) / height);
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
        const mlmd_box &fine = level.about.box;
        const int64_t ny = fine.n[1], nz = fine.n[2], blocks = tiles(fine, ny);
        const int64_t pieces = std::min<int64_t>(team(fine, threads_), fine.n[0]);
        interpolate_rows(level, next);
        const Corrected corrected = {level, next.about.box.n[1]};
        double *sums = level.sums.get();
        const auto take = [&](int64_t i, int64_t iy, const double *row) { sums[i * ny + iy] = squares(row, nz); };
#pragma omp parallel for num_threads(pieces) schedule(static)
        for (int64_t item = 0; item < pieces * blocks; ++item) {
            const int64_t piece = item / blocks, block = item % blocks;
            const int64_t x = fine.n[0] * piece / pieces, y = ny * block / blocks;
            const Span planes = {x, x, fine.n[0] * (piece + 1) / pieces}, rows = {y, y, ny * (block + 1) / blocks};
            Pass(level, rhs, zeros_.get(), v, corrected, take).run({planes, rows}, *windows_[thread_index()]);
        }
        double total = 0.0;
        for (int64_t r = 0; r < fine.n[0] * ny; ++r) total += sums[r];
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
    int64_t tile_;  // KiB
    Scratch<double> zeros_;
    std::vector<std::unique_ptr<Window>> windows_;
};

}  // namespace

void multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels, mlmd_convergence *goal,
               const mlmd_launch &launch) {
    Solver(levels, nlevels, launch).run(v, rhs, goal);
}

void slab_down(const mlmd_slab &slab, const double *start, const double *rhs, double *v, double *coarse,
               const mlmd_launch &launch) {
    Solver(slab.levels, 2, launch).down(slab, start, rhs, v, coarse);
}

void slab_up(const mlmd_slab &slab, const double *rhs, const double *coarse, double *v, const mlmd_launch &launch) {
    Solver(slab.levels, 2, launch).up(slab, rhs, coarse, v);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(multigrid, double *, const double *, const mlmd_level *, int64_t, mlmd_convergence *,
             const mlmd_launch &)
MLMD_DECLARE(slab_down, const mlmd_slab &, const double *, const double *, double *, double *, const mlmd_launch &)
MLMD_DECLARE(slab_up, const mlmd_slab &, const double *, const double *, double *, const mlmd_launch &)

namespace {

mlmd_status check_slab(const mlmd_slab *slab) {
    if (!slab || !slab->levels || !slab->low || !slab->part)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "a part of the slab is missing");
    const mlmd_box &fine = slab->levels[0].box, &coarse = slab->levels[1].box;
    for (const mlmd_box *box : {&fine, &coarse})
        if (const mlmd_status status = mlmd::check(*box)) return status;
    for (int axis = 0; axis < 3; ++axis)
        if (coarse.periodic[axis] != fine.periodic[axis] || coarse.n[axis] > fine.n[axis])
            return mlmd::fail(MLMD_BAD_ARGUMENT, "the next level does not fit the slab");
    if (fine.periodic[0]) return mlmd::fail(MLMD_BAD_ARGUMENT, "a slab is not periodic along x");
    for (int64_t i = 0; i < fine.n[0]; ++i)
        if (slab->low[i] < (i ? slab->low[i - 1] : 0) || slab->low[i] + 1 >= coarse.n[0])
            return mlmd::fail(MLMD_BAD_ARGUMENT, "the planes of the slab lie beyond those of the next level");
    return MLMD_OK;
}

}  // namespace

mlmd_status mlmd_slab_down(const mlmd_slab *slab, const double *start, const double *rhs, double *v, double *coarse,
                           const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (!rhs || !v || !coarse) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is missing");
    if (const mlmd_status status = check_slab(slab)) return status;
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), slab_down)(*slab, start, rhs, v, coarse, *launch))
}

mlmd_status mlmd_slab_up(const mlmd_slab *slab, const double *rhs, const double *coarse, double *v,
                         const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (!rhs || !v || !coarse) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is missing");
    if (const mlmd_status status = check_slab(slab)) return status;
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), slab_up)(*slab, rhs, coarse, v, *launch))
}

mlmd_status mlmd_multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                           mlmd_convergence *goal, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (!v || !rhs || !goal) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is missing");
    if (const mlmd_status status = mlmd::MLMD_ISA::check_levels(levels, nlevels)) return status;
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), multigrid)(v, rhs, levels, nlevels, goal, *launch))
}
#endif
