// Multigrid for the 3-point Poisson equation; what it does and why is told in kernels/multigrid.py.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "common.h"
#include "stencil.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

int64_t points(const mlmd_box &box) { return box.n[0] * box.n[1] * box.n[2]; }

// Coarse neighbours of a fine point along one axis, and their weights; a weight of zero stands for a Dirichlet end.
struct Link {
    int64_t low, high;
    double low_weight, high_weight;
};

Link make_link(int64_t j, int64_t fine, int64_t coarse, bool periodic) {
    const double place = periodic ? double(j) * coarse / fine : double(j + 1) * (coarse + 1) / (fine + 1) - 1.0;
    const int64_t low = static_cast<int64_t>(std::floor(place)), high = low + 1;
    const double part = place - low;
    if (periodic) return {low % coarse, high % coarse, 1.0 - part, part};
    const bool low_in = low >= 0, high_in = high < coarse;
    return {low_in ? low : 0, high_in ? high : 0, low_in ? 1.0 - part : 0.0, high_in ? part : 0.0};
}

// The links of all fine points of an axis.
std::vector<Link> make_links(const mlmd_box &fine, const mlmd_box &coarse, int axis) {
    std::vector<Link> links;
    for (int64_t j = 0; j < fine.n[axis]; ++j)
        links.push_back(make_link(j, fine.n[axis], coarse.n[axis], fine.periodic[axis]));
    return links;
}

// Points before and after an axis, and those along it.
struct Extents {
    int64_t outer, inner, fine, coarse;
};

// coarse(J) = scale * sum over j of weight(j, J) fine(j), along one axis.
void restrict_axis(const double *from, double *to, const Extents &e, const Link *links, double scale, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t o = 0; o < e.outer; ++o) {
        double *block = to + o * e.coarse * e.inner;
        std::fill_n(block, e.coarse * e.inner, 0.0);
        for (int64_t j = 0; j < e.fine; ++j) {
            const Link l = links[j];
            const double *row = from + (o * e.fine + j) * e.inner;
            double *low = block + l.low * e.inner, *high = block + l.high * e.inner;
            for (int64_t k = 0; k < e.inner; ++k) low[k] += scale * l.low_weight * row[k];
            for (int64_t k = 0; k < e.inner; ++k) high[k] += scale * l.high_weight * row[k];
        }
    }
}

// fine(j) = sum over J of weight(j, J) coarse(J), along one axis.
void interpolate_axis(const double *from, double *to, const Extents &e, const Link *links, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t o = 0; o < e.outer; ++o) {
        const double *block = from + o * e.coarse * e.inner;
        for (int64_t j = 0; j < e.fine; ++j) {
            const Link l = links[j];
            const double *low = block + l.low * e.inner, *high = block + l.high * e.inner;
            double *row = to + (o * e.fine + j) * e.inner;
            for (int64_t k = 0; k < e.inner; ++k) row[k] = l.low_weight * low[k] + l.high_weight * high[k];
        }
    }
}

// The fields of one level; a and b are scratch, rows one row of zeros and one per thread.
struct Level {
    Level(const mlmd_level &from, int threads)
        : about(from), v(points(from.box)), rhs(points(from.box)), a(points(from.box)), b(points(from.box)),
          rows((threads + 1) * from.box.n[2]), sums(from.box.n[0]) {
        std::fill_n(rows.get(), from.box.n[2], 0.0);
    }
    mlmd_level about;
    Scratch<double> v, rhs, a, b, rows, sums;
    std::vector<Link> links[3];  // to the next level
};

class Solver {
  public:
    Solver(const mlmd_level *levels, int64_t count, int threads) : threads_(threads) {
        for (int64_t k = 0; k < count; ++k) levels_.push_back(std::make_unique<Level>(levels[k], threads));
        for (int64_t k = 0; k + 1 < count; ++k)
            for (int axis = 0; axis < 3; ++axis)
                levels_[k]->links[axis] = make_links(levels[k].box, levels[k + 1].box, axis);
    }

    void run(double *v, const double *rhs, mlmd_convergence *goal) {
        const double target = std::sqrt(squares(rhs, points(levels_[0]->about.box)));
        for (goal->cycles = 0;; ++goal->cycles) {
            goal->residual = std::sqrt(relax(*levels_[0], v, rhs, levels_[0]->a.get(), 0.0, 1.0)) / target;
            if (goal->residual <= goal->tol || goal->cycles == goal->max_cycles) return;
            cycle(0, v, rhs);
        }
    }

  private:
    // out = keep v + weight (laplacian v + rhs); returns the sum of the squares of out, the same for any threads.
    double relax(Level &level, const double *v, const double *rhs, double *out, double keep, double weight) {
        const mlmd_box &box = level.about.box;
        const int64_t nz = box.n[2];
        const double *zeros = level.rows.get();
#pragma omp parallel for num_threads(team(box, threads_)) schedule(static)
        for (int64_t ix = 0; ix < box.n[0]; ++ix) {
            double total = 0.0;
            for_rows(box, v, zeros, level.rows.get() + (1 + thread_index()) * nz, ix, [&](int64_t p, const double *lap) {
                for (int64_t k = 0; k < nz; ++k) out[p + k] = keep * v[p + k] + weight * (lap[k] + rhs[p + k]);
                if (keep == 0.0) total += squares(out + p, nz);
            });
            level.sums.get()[ix] = total;
        }
        double total = 0.0;
        for (int64_t ix = 0; ix < box.n[0]; ++ix) total += level.sums.get()[ix];
        return total;
    }

    void smooth(Level &level, double *v, const double *rhs) {
        relax(level, v, rhs, level.a.get(), 1.0, level.about.weight[0]);
        relax(level, level.a.get(), rhs, v, 1.0, level.about.weight[1]);
    }

    void cycle(size_t depth, double *v, const double *rhs) {
        Level &level = *levels_[depth];
        if (depth + 1 == levels_.size()) {
            v[0] = level.about.weight[0] * rhs[0];
            return;
        }
        Level &next = *levels_[depth + 1];
        smooth(level, v, rhs);
        relax(level, v, rhs, level.a.get(), 0.0, 1.0);
        descend(level, next);
        std::fill_n(next.v.get(), points(next.about.box), 0.0);
        cycle(depth + 1, next.v.get(), next.rhs.get());
        const double *correction = ascend(level, next);
        const int64_t size = points(level.about.box);
        for (int64_t p = 0; p < size; ++p) v[p] += correction[p];
        smooth(level, v, rhs);
    }

    // Restricts the residual in level.a to next.rhs, axis by axis through scratch.
    void descend(Level &level, Level &next) {
        const mlmd_box &fine = level.about.box, &coarse = next.about.box;
        double *from = level.a.get();
        int64_t outer = 1, inner = points(fine);
        for (int axis = 0; axis < 3; ++axis) {
            double *to = axis == 2 ? next.rhs.get() : axis == 0 ? level.b.get() : level.a.get();
            inner /= fine.n[axis];
            restrict_axis(from, to, {outer, inner, fine.n[axis], coarse.n[axis]}, level.links[axis].data(),
                          fine.h[axis] / coarse.h[axis], team(fine, threads_));
            outer *= coarse.n[axis];
            from = to;
        }
    }

    // Interpolates next.v to the finer grid, axis by axis; returns the scratch with the result.
    const double *ascend(Level &level, Level &next) {
        const mlmd_box &fine = level.about.box, &coarse = next.about.box;
        const double *from = next.v.get();
        int64_t outer = points(coarse), inner = 1;
        for (int axis = 2; axis >= 0; --axis) {
            double *to = axis == 1 ? level.b.get() : level.a.get();
            outer /= coarse.n[axis];
            interpolate_axis(from, to, {outer, inner, fine.n[axis], coarse.n[axis]}, level.links[axis].data(),
                             team(fine, threads_));
            inner *= fine.n[axis];
            from = to;
        }
        return from;
    }

    static double squares(const double *x, int64_t n) {
        double total = 0.0;
#pragma omp simd reduction(+ : total)
        for (int64_t k = 0; k < n; ++k) total += x[k] * x[k];
        return total;
    }

    std::vector<std::unique_ptr<Level>> levels_;
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

// The levels go down to one point and share the boundary conditions.
static bool nested(const mlmd_level *levels, int64_t nlevels) {
    for (int axis = 0; axis < 3; ++axis) {
        if (levels[nlevels - 1].box.n[axis] != 1) return false;
        for (int64_t k = 1; k < nlevels; ++k) {
            if (levels[k].box.n[axis] > levels[k - 1].box.n[axis]) return false;
            if (levels[k].box.periodic[axis] != levels[0].box.periodic[axis]) return false;
        }
    }
    return true;
}

mlmd_status mlmd_multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                           mlmd_convergence *goal, int threads) {
    if (!v || !rhs || !levels || nlevels < 1 || !goal) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is missing");
    for (int64_t k = 0; k < nlevels; ++k)
        if (const mlmd_status status = mlmd::check(levels[k].box, threads)) return status;
    if (!nested(levels, nlevels)) return mlmd::fail(MLMD_BAD_ARGUMENT, "the levels do not go down to one point");
    MLMD_GUARDED(MLMD_PICK(multigrid)(v, rhs, levels, nlevels, goal, threads))
}
#endif
