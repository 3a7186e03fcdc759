// The grids of a hierarchy, coarse to fine, and what goes between them: linear interpolation and its scaled transpose.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "common.h"
#include "stencil.h"

namespace mlmd {
namespace MLMD_ISA {

inline int64_t points(const mlmd_box &box) { return box.n[0] * box.n[1] * box.n[2]; }

// Coarse neighbours of a fine point along one axis, and their weights; a weight of zero stands for a Dirichlet end.
struct Link {
    int64_t low, high;
    double low_weight, high_weight;
};

inline Link make_link(int64_t j, int64_t fine, int64_t coarse, bool periodic) {
    const double place = periodic ? double(j) * coarse / fine : double(j + 1) * (coarse + 1) / (fine + 1) - 1.0;
    const int64_t low = static_cast<int64_t>(std::floor(place)), high = low + 1;
    const double part = place - low;
    if (periodic) return {low % coarse, high % coarse, 1.0 - part, part};
    const bool low_in = low >= 0, high_in = high < coarse;
    return {low_in ? low : 0, high_in ? high : 0, low_in ? 1.0 - part : 0.0, high_in ? part : 0.0};
}

// The links of all fine points of an axis.
inline std::vector<Link> make_links(const mlmd_box &fine, const mlmd_box &coarse, int axis) {
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
inline void restrict_axis(const double *from, double *to, const Extents &e, const Link *links, double scale, int threads) {
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
inline void interpolate_axis(const double *from, double *to, const Extents &e, const Link *links, int threads) {
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
          rows((threads + 1) * from.box.n[2]), sums(from.box.n[0] * from.box.n[1]) {
        std::fill_n(rows.get(), from.box.n[2], 0.0);
    }
    mlmd_level about;
    Scratch<double> v, rhs, a, b, rows, sums;
    std::vector<Link> links[3];  // to the next level
};

inline double squares(const double *x, int64_t n) {
    double total = 0.0;
#pragma omp simd reduction(+ : total)
    for (int64_t k = 0; k < n; ++k) total += x[k] * x[k];
    return total;
}

// out = keep v + weight (laplacian v + rhs); returns the sum of the squares of out, the same for any threads.
inline double relax(Level &level, const double *v, const double *rhs, double *out, double keep, double weight,
                int threads) {
    const mlmd_box &box = level.about.box;
    const int64_t nz = box.n[2];
    const double *zeros = level.rows.get();
#pragma omp parallel for num_threads(team(box, threads)) schedule(static)
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

// Restricts the residual in level.a to next.rhs, axis by axis through scratch.
inline void descend(Level &level, Level &next, int threads) {
    const mlmd_box &fine = level.about.box, &coarse = next.about.box;
    double *from = level.a.get();
    int64_t outer = 1, inner = points(fine);
    for (int axis = 0; axis < 3; ++axis) {
        double *to = axis == 2 ? next.rhs.get() : axis == 0 ? level.b.get() : level.a.get();
        inner /= fine.n[axis];
        restrict_axis(from, to, {outer, inner, fine.n[axis], coarse.n[axis]}, level.links[axis].data(),
                      fine.h[axis] / coarse.h[axis], team(fine, threads));
        outer *= coarse.n[axis];
        from = to;
    }
}

// Interpolates next.v to the finer grid, axis by axis; returns the scratch with the result.
inline const double *ascend(Level &level, Level &next, int threads) {
    const mlmd_box &fine = level.about.box, &coarse = next.about.box;
    const double *from = next.v.get();
    int64_t outer = points(coarse), inner = 1;
    for (int axis = 2; axis >= 0; --axis) {
        double *to = axis == 1 ? level.b.get() : level.a.get();
        outer /= coarse.n[axis];
        interpolate_axis(from, to, {outer, inner, fine.n[axis], coarse.n[axis]}, level.links[axis].data(),
                         team(fine, threads));
        inner *= fine.n[axis];
        from = to;
    }
    return from;
}

typedef std::vector<std::unique_ptr<Level>> Levels;

// The levels go down to one point, each with half as many points as the one before it or more, and share the boundary
// conditions.
inline mlmd_status check_levels(const mlmd_level *levels, int64_t count) {
    if (!levels || count < 1) return fail(MLMD_BAD_ARGUMENT, "there are no levels");
    for (int64_t k = 0; k < count; ++k)
        if (const mlmd_status status = check(levels[k].box)) return status;
    for (int axis = 0; axis < 3; ++axis) {
        if (levels[count - 1].box.n[axis] != 1)
            return fail(MLMD_BAD_ARGUMENT, "the levels do not go down to one point");
        for (int64_t k = 1; k < count; ++k)
            if (levels[k].box.n[axis] > levels[k - 1].box.n[axis] ||
                levels[k].box.n[axis] < levels[k - 1].box.n[axis] / 2 ||
                levels[k].box.periodic[axis] != levels[0].box.periodic[axis])
                return fail(MLMD_BAD_ARGUMENT, "a level does not fit the one before it");
    }
    return MLMD_OK;
}

inline Levels make_hierarchy(const mlmd_level *levels, int64_t count, int threads) {
    Levels made;
    for (int64_t k = 0; k < count; ++k) made.push_back(std::make_unique<Level>(levels[k], threads));
    for (int64_t k = 0; k + 1 < count; ++k)
        for (int axis = 0; axis < 3; ++axis)
            made[k]->links[axis] = make_links(levels[k].box, levels[k + 1].box, axis);
    return made;
}

}  // namespace MLMD_ISA
}  // namespace mlmd
