// Two Jacobi sweeps and the residual of what they give, in one pass over the planes along x.
//
// While plane i gets the first sweep, plane i - 1 gets the second one and plane i - 2 its residual, so that each field
// is read from memory and written to it once.  The pass is cut into ranges of planes for the threads; what a range
// needs beyond its ends it computes itself.
#pragma once

#include <algorithm>

#include "common.h"
#include "levels.h"
#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

// Calls point(k, value before, value after) along a row; the ends stand apart so that the loop is vector code.
template <class Point>
MLMD_INLINE void each_point(int64_t n, const double *row, bool periodic, Point &&point) {
    const double before = periodic ? row[n - 1] : 0.0, after = periodic ? row[0] : 0.0;
    if (n == 1) return point(0, before, after);
    point(0, before, row[1]);
#pragma omp simd
    for (int64_t k = 1; k < n - 1; ++k) point(k, row[k - 1], row[k + 1]);
    point(n - 1, row[n - 2], after);
}

// A row along z, its four neighbours, and the source.
struct Rows {
    const double *here, *left, *right, *down, *up, *source;
};

// out = here + weight (laplacian + source), or the residual laplacian + source.
template <bool RESIDUAL>
inline void relax_row(const mlmd_box &box, const Rows &r, double weight, double *__restrict out) {
    const int64_t nz = box.n[2];
    const double ax = 1.0 / (box.h[0] * box.h[0]), ay = 1.0 / (box.h[1] * box.h[1]), az = 1.0 / (box.h[2] * box.h[2]);
    const double *c = r.here, *left = r.left, *right = r.right, *down = r.down, *up = r.up, *source = r.source;
    if constexpr (RESIDUAL) {
        const auto point = [&](int64_t k, double before, double after) MLMD_LAMBDA {
            const double x = (left[k] - c[k]) + (right[k] - c[k]), y = (down[k] - c[k]) + (up[k] - c[k]);
            out[k] = source[k] + ax * x + ay * y + az * ((before - c[k]) + (after - c[k]));
        };
        each_point(nz, c, box.periodic[2], point);
    } else {
        const double keep = 1.0 - 2.0 * weight * (ax + ay + az), wx = weight * ax, wy = weight * ay, wz = weight * az;
        const auto point = [&](int64_t k, double before, double after) MLMD_LAMBDA {
            out[k] = keep * c[k] + weight * source[k] + wx * (left[k] + right[k]) + wy * (down[k] + up[k]) +
                     wz * (before + after);
        };
        each_point(nz, c, box.periodic[2], point);
    }
}

// Planes of a pass: residuals from `begin`, planes of its own from `first`, both to `end`.
struct Range {
    int64_t begin, first, end;
};

// Scratch of one thread: three planes each of the start, the first and the second sweep, and a row.
class Window {
  public:
    explicit Window(const mlmd_box &box) : plane_(box.n[1] * box.n[2] + PADDING), planes_(9 * plane_ + box.n[2]) {}
    double *start(int64_t i) { return at(0, i); }
    double *first(int64_t i) { return at(3, i); }
    double *second(int64_t i) { return at(6, i); }
    double *row() { return planes_.get() + 9 * plane_; }

  private:
    static constexpr int64_t PADDING = 72;  // or planes of a power of two would evict one another
    double *at(int64_t base, int64_t i) { return planes_.get() + (base + (i + 3 * 65536) % 3) * plane_; }
    int64_t plane_;
    Scratch<double> planes_;
};

// start(i, scratch) gives plane i of the field to begin with (null: zeros), take(i, iy, row) gets the residuals.
template <class Start, class Take>
class Pass {
  public:
    Pass(const Level &level, const double *rhs, const double *zeros, double *out, Start start, Take take)
        : level_(level), box_(level.about.box), plane_(box_.n[1] * box_.n[2]), rhs_(rhs), zeros_(zeros), out_(out),
          start_(start), take_(take) {}

    void run(const Range &range, Window &window) {
        const double *u[3] = {nullptr, at_start(range.begin - 3, window), at_start(range.begin - 2, window)};
        for (int64_t i = range.begin - 2; i < range.end + 2; ++i) {
            u[0] = u[1];
            u[1] = u[2];
            u[2] = at_start(i + 1, window);
            if (inside(i)) first_sweep(i, u, window);
            if (i - 1 >= range.begin - 1 && i - 1 <= range.end && inside(i - 1)) second_sweep(i - 1, range, window);
            if (i - 2 >= range.begin && i - 2 < range.end) residuals(i - 2, range, window);
        }
    }

  private:
    bool inside(int64_t i) const { return box_.periodic[0] || (i >= 0 && i < box_.n[0]); }
    int64_t wrapped(int64_t i) const { return (i % box_.n[0] + box_.n[0]) % box_.n[0]; }
    const double *at_start(int64_t i, Window &w) { return inside(i) ? start_(wrapped(i), w.start(i)) : zeros_; }
    const double *after_first(int64_t i, Window &w) const { return inside(i) ? w.first(i) : zeros_; }

    double *after_second(int64_t i, const Range &range, Window &w) const {
        return i >= range.first && i < range.end ? out_ + i * plane_ : w.second(i);
    }

    // Calls row(iy, neighbours of that row) over a plane between two others.
    template <class Row>
    void rows(int64_t i, const double *left, const double *here, const double *right, Row row) const {
        const int64_t ny = box_.n[1], nz = box_.n[2];
        const double *source = rhs_ + wrapped(i) * plane_;
        const double *below = box_.periodic[1] ? here + (ny - 1) * nz : zeros_;
        const double *above = box_.periodic[1] ? here : zeros_;
        for (int64_t iy = 0; iy < ny; ++iy) {
            const int64_t k = iy * nz;
            row(iy, Rows{here + k, left + k, right + k, iy > 0 ? here + k - nz : below,
                         iy + 1 < ny ? here + k + nz : above, source + k});
        }
    }

    void first_sweep(int64_t i, const double *const *u, Window &w) const {
        double *to = w.first(i);
        const double weight = level_.about.weight[0];
        if (!u[1]) {
            const double *source = rhs_ + wrapped(i) * plane_;
            for (int64_t k = 0; k < plane_; ++k) to[k] = weight * source[k];
            return;
        }
        rows(i, u[0], u[1], u[2],
             [&](int64_t iy, const Rows &r) { relax_row<false>(box_, r, weight, to + iy * box_.n[2]); });
    }

    void second_sweep(int64_t i, const Range &range, Window &w) const {
        double *to = after_second(i, range, w);
        rows(i, after_first(i - 1, w), after_first(i, w), after_first(i + 1, w), [&](int64_t iy, const Rows &r) {
            relax_row<false>(box_, r, level_.about.weight[1], to + iy * box_.n[2]);
        });
    }

    void residuals(int64_t i, const Range &range, Window &w) {
        const auto plane = [&](int64_t j) { return inside(j) ? after_second(j, range, w) : zeros_; };
        rows(i, plane(i - 1), plane(i), plane(i + 1), [&](int64_t iy, const Rows &r) {
            relax_row<true>(box_, r, 1.0, w.row());
            take_(i, iy, static_cast<const double *>(w.row()));
        });
    }

    const Level &level_;
    const mlmd_box &box_;
    int64_t plane_;
    const double *rhs_, *zeros_;
    double *out_;
    Start start_;
    Take take_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
