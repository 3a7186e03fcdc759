// Two Jacobi sweeps and the residual of what they give, in one pass over the planes along x.
//
// While plane i gets the first sweep, plane i - 1 gets the second one and plane i - 2 its residual, so that each field
// is read from memory and written to it once.  The pass is cut into ranges of planes for the threads; what a range
// needs beyond its ends it computes itself.
#pragma once

#include <algorithm>

#include "common.h"
#include "levels.h"
#include "mlmd/simd.h"

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

// Points of a tile along one axis: residuals from `begin`, points of its own from `first`, both to `end`.
struct Span {
    int64_t begin, first, end;
};

// Range of planes, and the block of their rows that a pass works on, so that its planes stay in the cache.
struct Tile {
    Span x, y;
};

constexpr int64_t HALO = 3;
constexpr int64_t TILE_KIB = 1024;  // of the planes that a pass has in use
constexpr int64_t PLANES_IN_USE = 13;

// Rows of a tile; all of them if the planes are small.
inline int64_t tile_height(const mlmd_box &box, int64_t kib) {
    const int64_t rows = kib * 1024 / (PLANES_IN_USE * box.n[2] * static_cast<int64_t>(sizeof(double)));
    return rows >= box.n[1] ? box.n[1] : std::min(box.n[1], std::max<int64_t>(8, rows - 2 * HALO));
}

// Scratch of one thread: three planes each of the start, the first and the second sweep, and a row.
class Window {
  public:
    explicit Window(int64_t largest_plane, int64_t longest_row)
        : plane_(largest_plane + PADDING), planes_(9 * plane_ + longest_row) {}
    double *start(int64_t i) { return at(0, i); }
    double *first(int64_t i) { return at(3, i); }
    double *second(int64_t i) { return at(6, i); }
    double *row() { return planes_.get() + 9 * plane_; }

  private:
    static constexpr int64_t PADDING = 72;  // or planes of a power of two would evict one another
    double *at(int64_t base, int64_t i) { return planes_.get() + (base + (i % 3 + 3) % 3) * plane_; }
    int64_t plane_;
    Scratch<double> planes_;
};

// Start::fill(ix, iy, row) gives the rows to begin with; take(ix, iy, row) gets the residuals.
template <class Start, class Take>
class Pass {
  public:
    Pass(const Level &level, const double *rhs, const double *zeros, double *out, const Start &start, const Take &take)
        : level_(level), box_(level.about.box), rhs_(rhs), zeros_(zeros), out_(out), start_(start), take_(take) {}

    void run(const Tile &tile, Window &window) {
        tile_ = tile;
        window_ = &window;
        whole_ = tile.y.begin == 0 && tile.y.end == box_.n[1];
        const Span &x = tile.x;
        for (int64_t i = x.begin - 3; i < x.begin - 1; ++i) fill(i);
        for (int64_t i = x.begin - 2; i < x.end + 2; ++i) {
            fill(i + 1);
            if (inside(0, i)) first_sweep(i);
            if (i > x.begin - 1 && inside(0, i - 1)) second_sweep(i - 1);
            if (i > x.begin + 1) residuals(i - 2);
        }
    }

  private:
    bool inside(int axis, int64_t i) const { return box_.periodic[axis] || (i >= 0 && i < box_.n[axis]); }

    int64_t wrapped(int axis, int64_t i) const {
        while (i < 0) i += box_.n[axis];
        while (i >= box_.n[axis]) i -= box_.n[axis];
        return i;
    }

    int64_t index(int64_t i, int64_t iy) const { return (wrapped(0, i) * box_.n[1] + wrapped(1, iy)) * box_.n[2]; }

    double *row_of(double *plane, int64_t iy) const {
        return plane + (whole_ ? wrapped(1, iy) : iy - tile_.y.begin + HALO) * box_.n[2];
    }

    // Calls row(iy) over the rows of the tile and some beyond its ends.
    template <class Row>
    void each_row(int64_t beyond, Row &&row) const {
        int64_t low = tile_.y.begin - beyond, high = tile_.y.end + beyond;
        if (whole_ || !box_.periodic[1]) low = std::max<int64_t>(low, 0), high = std::min(high, box_.n[1]);
        for (int64_t iy = low; iy < high; ++iy) row(iy);
    }

    void fill(int64_t i) {
        if (!inside(0, i)) return;
        each_row(3, [&](int64_t iy) { start_.fill(wrapped(0, i), wrapped(1, iy), row_of(window_->start(i), iy)); });
    }

    double *after_second(int64_t i, int64_t iy) const {
        const int64_t y = whole_ ? wrapped(1, iy) : iy;
        const bool own = i >= tile_.x.first && i < tile_.x.end && y >= tile_.y.first && y < tile_.y.end;
        return own ? out_ + index(i, iy) : row_of(window_->second(i), iy);
    }

    // A row and its neighbours, where at(i, iy) has the rows inside the grid.
    template <class At>
    Rows neighbours(int64_t i, int64_t iy, At &&at) const {
        const auto get = [&](int64_t k, int64_t ky) -> const double * {
            return inside(0, k) && inside(1, ky) ? at(k, ky) : zeros_;
        };
        return {get(i, iy), get(i - 1, iy), get(i + 1, iy), get(i, iy - 1), get(i, iy + 1), rhs_ + index(i, iy)};
    }

    void first_sweep(int64_t i) const {
        const double weight = level_.about.weight[0];
        each_row(2, [&](int64_t iy) {
            double *to = row_of(window_->first(i), iy);
            if constexpr (Start::ZERO) {
                const double *source = rhs_ + index(i, iy);
                for (int64_t k = 0; k < box_.n[2]; ++k) to[k] = weight * source[k];
            } else {
                const auto at = [&](int64_t k, int64_t ky) { return row_of(window_->start(k), ky); };
                relax_row<false>(box_, neighbours(i, iy, at), weight, to);
            }
        });
    }

    void second_sweep(int64_t i) const {
        const auto at = [&](int64_t k, int64_t ky) { return row_of(window_->first(k), ky); };
        each_row(1, [&](int64_t iy) {
            relax_row<false>(box_, neighbours(i, iy, at), level_.about.weight[1], after_second(i, iy));
        });
    }

    void residuals(int64_t i) const {
        const auto at = [&](int64_t k, int64_t ky) { return after_second(k, ky); };
        each_row(0, [&](int64_t iy) {
            relax_row<true>(box_, neighbours(i, iy, at), 1.0, window_->row());
            take_(i, iy, static_cast<const double *>(window_->row()));
        });
    }

    const Level &level_;
    const mlmd_box &box_;
    const double *rhs_, *zeros_;
    double *out_;
    const Start &start_;
    const Take &take_;
    Tile tile_{};
    Window *window_ = nullptr;
    bool whole_ = true;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
