// Multigrid and DSA for processors: passes over the planes along x, each task its own range of them.
//
// While plane i gets the first sweep, plane i - 1 gets the second one and plane i - 2 its residual, so that each field
// is read from memory and written to it once.  What a task needs beyond its ends it computes itself.
#pragma once

#include <type_traits>

#include "poisson_level.h"
#include "rows.h"

namespace mlmd {
namespace MLMD_ISA {

// Planes that a task owns, and those whose residuals it needs, counted on beyond the ends of a periodic axis.
struct Range {
    int64_t first, end, needed, needed_end;
    MLMD_INLINE bool owns(int64_t i) const { return i >= first && i < end; }
};

MLMD_INLINE int64_t part(int64_t n, int64_t task, int64_t tasks) { return n * task / tasks; }

MLMD_INLINE Range own_range(const Level &level, int64_t task, int64_t tasks) {
    const int64_t first = part(level.n[0], task, tasks), end = part(level.n[0], task + 1, tasks);
    return {first, end, first, end};
}

// Three planes each of the start and of the sweeps, then what restriction and interpolation need.
class Window {
  public:
    static constexpr int64_t RING = 3, RESTRICTION = 9, INTERPOLATION = 14, ROW = 17;
    MLMD_INLINE Window(double *memory, int64_t plane) : memory_(memory), plane_(plane) {}
    MLMD_INLINE double *ring(int stage, int64_t i) const { return at(stage * RING + (i % RING + RING) % RING); }
    MLMD_INLINE double *at(int64_t k) const { return memory_ + k * plane_; }

  private:
    double *memory_;
    int64_t plane_;
};

// A field as it is.
struct Given {
    const Level &level;
    const double *field;
    MLMD_INLINE void fill(int64_t) const {}
    MLMD_INLINE const double *plane(int64_t i) const { return field + level.wrapped(0, i) * level.plane(); }
};

// What a first sweep makes of zeros.
struct FromZeros {
    const Level &level;
    const double *rhs;
    double weight;
    Window window;
    MLMD_INLINE void fill(int64_t i) const {
        const double *from = rhs + level.wrapped(0, i) * level.plane();
        double *to = window.ring(0, i);
        for_doubles(0, level.plane(), [&](auto tag, int64_t k) { tag.put(to + k, weight * tag.get(from + k)); });
    }
    MLMD_INLINE const double *plane(int64_t i) const { return window.ring(0, i); }
};

// Planes of the next grid's field between its points; those along y and z of two of its planes are kept.
class Interpolation {
  public:
    MLMD_INLINE Interpolation(const Hierarchy &grids, const Level &fine, const Level &coarse, const double *field,
                              const Window &window)
        : grids_(grids), fine_(fine), coarse_(coarse), field_(field), window_(window) {}

    // Calls point(tag, offset in the plane, interpolated values) over plane i.
    template <class Point>
    MLMD_INLINE void over_plane(int64_t i, Point &&point) {
        const Link x = grids_.link(fine_, 0, i);
        const double *low = kept(x.low, x.high), *high = kept(x.high, x.low);
        for_doubles(0, fine_.plane(), [&](auto tag, int64_t k) {
            point(tag, k, x.low_weight * tag.get(low + k) + x.high_weight * tag.get(high + k));
        });
    }

  private:
    MLMD_INLINE const double *kept(int64_t X, int64_t other) {
        for (int slot = 0; slot < 2; ++slot)
            if (kept_[slot] == X) return plane(slot);
        const int slot = kept_[0] == other ? 1 : 0;
        kept_[slot] = X;
        spread(X, plane(slot));
        return plane(slot);
    }

    MLMD_INLINE double *plane(int slot) const { return window_.at(Window::INTERPOLATION + slot); }

    void spread(int64_t X, double *to) const {
        const int64_t ny = fine_.n[1], nz = fine_.n[2], coarse = coarse_.n[2];
        const double *from = field_ + X * coarse_.plane();
        double *rows = window_.at(Window::INTERPOLATION + 2);
        const int64_t *place = grids_.places(fine_.links[2]);
        const double *weight = grids_.weights(fine_.links[2]);
        for (int64_t Y = 0; Y < coarse_.n[1]; ++Y)
            for (int64_t k = 0; k < nz; ++k)
                rows[Y * nz + k] = weight[2 * k] * from[Y * coarse + place[2 * k]] +
                                   weight[2 * k + 1] * from[Y * coarse + place[2 * k + 1]];
        for (int64_t j = 0; j < ny; ++j) {
            const Link y = grids_.link(fine_, 1, j);
            const double *low = rows + y.low * nz, *high = rows + y.high * nz;
            double *row = to + j * nz;
            for_doubles(0, nz, [&](auto tag, int64_t k) {
                tag.put(row + k, y.low_weight * tag.get(low + k) + y.high_weight * tag.get(high + k));
            });
        }
    }

    Hierarchy grids_;
    const Level &fine_, &coarse_;
    const double *field_;
    Window window_;
    int64_t kept_[2] = {-1, -1};
};

// A field with the correction from the next grid.
struct CorrectedPlanes {
    const Level &level;
    const double *field;
    Interpolation correction;
    Window window;
    MLMD_INLINE void fill(int64_t i) {
        const int64_t x = level.wrapped(0, i);
        const double *from = field + x * level.plane();
        double *to = window.ring(0, i);
        correction.over_plane(x, [&](auto tag, int64_t k, auto more) { tag.put(to + k, tag.get(from + k) + more); });
    }
    MLMD_INLINE const double *plane(int64_t i) const { return window.ring(0, i); }
};

// Takes rows of this grid and gives planes of the next one.
class Restriction {
  public:
    static constexpr bool RESIDUALS = true;
    MLMD_INLINE Restriction(const Hierarchy &grids, const Level &fine, const Level &coarse, double scale, double *to,
                            const Window &window, int64_t task, int64_t tasks)
        : grids_(grids), fine_(fine), coarse_(coarse), scale_(scale), to_(to), window_(window),
          first_(part(coarse.n[0], task, tasks)), end_(part(coarse.n[0], task + 1, tasks)) {}

    // The fine planes up to the task's coarse ones; all that share in these are needed.
    MLMD_INLINE Range range() const {
        const int64_t n = fine_.n[0], N = coarse_.n[0];
        const int64_t first = (first_ * n + N - 1) / N, end = (end_ * n + N - 1) / N;
        const int64_t needed = *grids_.places(fine_.shares[0] + SHARES * first_);
        const int64_t needed_end = *grids_.places(fine_.shares[0] + SHARES * (end_ - 1)) + fine_.reach[0];
        return {first, end, needed < first ? needed : first, needed_end > end ? needed_end : end};
    }

    MLMD_INLINE void begin_plane(int64_t) {
        double *rows = window_.at(Window::RESTRICTION);
        for_doubles(0, coarse_.n[1] * fine_.n[2],
                    [&](auto tag, int64_t k) { tag.put(rows + k, typename decltype(tag)::Vec{}); });
    }

    MLMD_INLINE double *target(int64_t, int64_t) const { return window_.at(Window::ROW); }

    MLMD_INLINE void take(int64_t, int64_t iy, const double *row) {
        const Link y = grids_.link(fine_, 1, iy);
        const int64_t nz = fine_.n[2];
        double *rows = window_.at(Window::RESTRICTION);
        const auto add = [&](int64_t Y, double weight) {
            if (weight == 0.0) return;
            double *to = rows + Y * nz;
            for_doubles(0, nz, [&](auto tag, int64_t k) {
                tag.put(to + k, tag.get(to + k) + weight * tag.get(row + k));
            });
        };
        add(y.low, y.low_weight);
        add(y.high, y.high_weight);
    }

    MLMD_INLINE void end_plane(int64_t i) {
        const double *rows = window_.at(Window::RESTRICTION);
        for (int64_t X = first_; X < end_; ++X) {
            const int64_t k = i - *grids_.places(fine_.shares[0] + SHARES * X);
            if (k < 0 || k >= fine_.reach[0]) continue;
            const double weight = grids_.weights(fine_.shares[0] + SHARES * X)[k];
            double *sums = window_.at(Window::RESTRICTION + 1 + X % SHARES);
            for_doubles(0, coarse_.n[1] * fine_.n[2], [&](auto tag, int64_t p) {
                const auto more = weight * tag.get(rows + p);
                tag.put(sums + p, k == 0 ? more : tag.get(sums + p) + more);
            });
            if (k == fine_.reach[0] - 1) finish(X, sums);
        }
    }

  private:
    void finish(int64_t X, const double *sums) const {
        const int64_t nz = fine_.n[2], reach = fine_.reach[2];
        const int64_t *places = grids_.places(fine_.shares[2]);
        const double *weights = grids_.weights(fine_.shares[2]);
        for (int64_t Z = 0; Z < coarse_.n[2]; ++Z) {
            int64_t from[SHARES];
            double weight[SHARES];
            for (int64_t k = 0; k < SHARES; ++k) {
                from[k] = k < reach ? fine_.wrapped(2, places[SHARES * Z + k]) : 0;
                weight[k] = k < reach ? scale_ * weights[SHARES * Z + k] : 0.0;
            }
            double *to = to_ + X * coarse_.plane() + Z;
            for (int64_t Y = 0; Y < coarse_.n[1]; ++Y) {
                const double *row = sums + Y * nz;
                to[Y * coarse_.n[2]] = (weight[0] * row[from[0]] + weight[1] * row[from[1]]) +
                                       (weight[2] * row[from[2]] + weight[3] * row[from[3]]);
            }
        }
    }

    Hierarchy grids_;
    const Level &fine_, &coarse_;
    double scale_, *to_;
    Window window_;
    int64_t first_, end_;
};

// Keeps the residuals of the task's own planes, too.
class KeptRestriction : public Restriction {
  public:
    MLMD_INLINE KeptRestriction(const Restriction &restriction, const Level &level, const Range &range, double *kept)
        : Restriction(restriction), level_(level), range_(range), kept_(kept) {}
    MLMD_INLINE double *target(int64_t i, int64_t iy) const {
        return range_.owns(i) ? kept_ + (i * level_.n[1] + iy) * level_.n[2] : Restriction::target(i, iy);
    }

  private:
    const Level &level_;
    Range range_;
    double *kept_;
};

// Adds up the squares of each plane.
struct Squares {
    static constexpr bool RESIDUALS = true;
    double *sums, *row;
    int64_t nz;
    double total = 0.0;
    MLMD_INLINE void begin_plane(int64_t) { total = 0.0; }
    MLMD_INLINE double *target(int64_t, int64_t) const { return row; }
    MLMD_INLINE void take(int64_t, int64_t, const double *r) {
        typename Doubles<64>::Vec lanes{};
        int64_t k = 0;
        for (; k + 8 <= nz; k += 8) {
            const auto x = Doubles<64>::get(r + k);
            lanes += x * x;
        }
        for (int lane = 0; lane < 8; ++lane) total += lanes[lane];
        for (; k < nz; ++k) total += r[k] * r[k];
    }
    MLMD_INLINE void end_plane(int64_t i) { sums[i] = total; }
};

// Needs no residuals.
struct Nothing {
    static constexpr bool RESIDUALS = false;
};

// A row along z, its four neighbours, and the source.
struct Rows {
    const double *here, *left, *right, *down, *up, *source;
};

// Calls point(tag, k, star, source) along a row; the ends stand apart.
template <class Point>
MLMD_INLINE void along_row(const Level &level, const Rows &r, Point &&point) {
    const int64_t n = level.n[2];
    const bool wraps = level.periodic[2] != 0;
    const auto one = [&](int64_t k, double before, double after) {
        const Star<double> v = {r.here[k], r.left[k], r.right[k], r.down[k], r.up[k], before, after};
        point(OneDouble{}, k, v, r.source[k]);
    };
    const double first = wraps ? r.here[n - 1] : 0.0, last = wraps ? r.here[0] : 0.0;
    if (n == 1) return one(0, first, last);
    one(0, first, r.here[1]);
    for_doubles(1, n - 1, [&](auto tag, int64_t k) {
        const Star<typename decltype(tag)::Vec> v = {tag.get(r.here + k), tag.get(r.left + k),  tag.get(r.right + k),
                                                     tag.get(r.down + k), tag.get(r.up + k),    tag.get(r.here + k - 1),
                                                     tag.get(r.here + k + 1)};
        point(tag, k, v, tag.get(r.source + k));
    });
    one(n - 1, r.here[n - 2], last);
}

// Sweeps (0, 1 or 2; fewer are the last ones) from `start` to `out`, where the planes are the task's own; the residual
// of what they give, row by row, goes to `take`.
template <int SWEEPS, class Start, class Take>
class Pass {
  public:
    MLMD_INLINE Pass(const Hierarchy &grids, const Level &level, const Stencil &stencil, const Window &window,
                     const Range &range, const double *rhs, double *out, Start &start, Take &take)
        : zeros_(grids.zeros()), level_(level), stencil_(stencil), window_(window), range_(range), rhs_(rhs), out_(out),
          start_(start), take_(take) {}

    MLMD_INLINE void run() {
        constexpr int STAGES = SWEEPS + (Take::RESIDUALS ? 1 : 0);
        for (int64_t i = range_.needed - STAGES; i < range_.needed_end + STAGES; ++i) {
            if (level_.inside(0, i)) start_.fill(i);
            for (int stage = 1; stage <= SWEEPS; ++stage) {
                const int64_t plane = i - stage;
                if (plane >= range_.needed - STAGES + stage && level_.inside(0, plane)) sweep(stage, plane);
            }
            if constexpr (Take::RESIDUALS)
                if (i - STAGES >= range_.needed) residuals(i - STAGES);
        }
    }

  private:
    MLMD_INLINE double *swept(int stage, int64_t i) const {
        const bool kept = stage == SWEEPS && range_.owns(i);
        return kept ? out_ + level_.wrapped(0, i) * level_.plane() : window_.ring(stage, i);
    }

    MLMD_INLINE const double *plane(int stage, int64_t i) const {
        return stage == 0 ? start_.plane(i) : swept(stage, i);
    }

    // Calls row(iy, rows) over plane i after `stage` sweeps.
    template <class Row>
    MLMD_INLINE void over_rows(int stage, int64_t i, Row &&row) const {
        const int64_t ny = level_.n[1], nz = level_.n[2];
        const double *here = plane(stage, i), *source = rhs_ + level_.wrapped(0, i) * level_.plane();
        const double *left = level_.inside(0, i - 1) ? plane(stage, i - 1) : nullptr;
        const double *right = level_.inside(0, i + 1) ? plane(stage, i + 1) : nullptr;
        const auto next = [&](int64_t iy) {
            return level_.inside(1, iy) ? here + level_.wrapped(1, iy) * nz : zeros_;
        };
        for (int64_t iy = 0; iy < ny; ++iy) {
            const int64_t at = iy * nz;
            row(iy, Rows{here + at, left ? left + at : zeros_, right ? right + at : zeros_, next(iy - 1), next(iy + 1),
                         source + at});
        }
    }

    MLMD_INLINE void sweep(int stage, int64_t i) const {
        const Stencil s = stencil_;
        const double weight = s.weight[stage + 1 - SWEEPS];
        double *plane = swept(stage, i);
        over_rows(stage - 1, i, [&](int64_t iy, const Rows &rows) {
            double *to = plane + iy * level_.n[2];
            along_row(level_, rows, [&](auto tag, int64_t k, const auto &v, auto source) {
                tag.put(to + k, relaxed(s, weight, v, source));
            });
        });
    }

    MLMD_INLINE void residuals(int64_t i) const {
        const Stencil s = stencil_;
        take_.begin_plane(i);
        over_rows(SWEEPS, i, [&](int64_t iy, const Rows &rows) {
            double *to = take_.target(i, iy);
            along_row(level_, rows, [&](auto tag, int64_t k, const auto &v, auto source) {
                tag.put(to + k, residual(s, v, source));
            });
            take_.take(i, iy, to);
        });
        take_.end_plane(i);
    }

    const double *zeros_;
    const Level level_;
    const Stencil stencil_;
    const Window window_;
    const Range range_;
    const double *rhs_;
    double *out_;
    Start &start_;
    Take &take_;
};

template <int SWEEPS, class Start, class Take>
MLMD_INLINE void run_pass(const Hierarchy &grids, const Level &level, const Stencil &stencil, const Window &window,
                          const Range &range, const double *rhs, double *out, Start &&start, Take &&take) {
    Pass<SWEEPS, typename std::remove_reference<Start>::type, typename std::remove_reference<Take>::type>(
        grids, level, stencil, window, range, rhs, out, start, take)
        .run();
}

}  // namespace MLMD_ISA
}  // namespace mlmd
