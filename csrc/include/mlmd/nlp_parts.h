// The two products of the nonlocal propagator with a tall Q in bf16 parts, for one thread: G = Q^T psi over chunks of
// points, where psi of the next chunk is packed between the tile products of this one; and psi += Q F, where psi is read
// and written once, between the products.
//
// Complex matrices are taken as real ones of interleaved columns; overlaps are sums of pairs of elements of G, and the
// rows of F are doubled, (F, i F).
#pragma once

#include "bf16_pack.h"
#include "bf16_panels.h"
#include "rotation.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t FLUSH = 16;            // chunks that are summed before they are added to the total
constexpr int64_t PACK_TILES = 16;       // columns of tiles of psi packed at a time

template <int PARTS>
constexpr int64_t CHUNK_STEPS = PARTS == 1 ? 32 : PARTS == 2 ? 16 : 8;
// Panels of points that are expanded together: their part of Q stays in the second-level cache.
template <int PARTS>
constexpr int64_t POINT_PANELS = PARTS == 1 ? 8 : PARTS == 2 ? 4 : 3;

// Sizes of a packed Q.
template <int PARTS>
struct Packing {
    int64_t points, rank;
    int64_t chunk() const { return CHUNK_STEPS<PARTS> * STEP; }
    int64_t chunks() const { return ceiling(points, chunk()); }
    int64_t steps(int64_t c) const { return ceiling(std::min(chunk(), points - c * chunk()), STEP); }
    int64_t rank_panels() const { return ceiling(2 * rank, BLOCK); }
    int64_t rank_steps() const { return ceiling(2 * rank, STEP); }
    int64_t point_panels() const { return ceiling(points, BLOCK); }
    int64_t columns_at(int64_t c) const { return c * CHUNK_STEPS<PARTS> * rank_panels() * PARTS * PAIR; }
    int64_t rows_at(int64_t panel) const { return columns_at_end() + panel * rank_steps() * PARTS * PAIR; }
    int64_t columns_at_end() const { return ceiling(points, STEP) * rank_panels() * PARTS * PAIR; }
    int64_t size() const { return rows_at(point_panels()); }
    // Of the sums of one thread, and of a stretch of packed psi.
    int64_t sums_size(int64_t norb) const { return ceiling(2 * norb, BLOCK) * rank_panels() * BLOCK_SIZE; }
    int64_t stretch_size(int64_t norb) const {
        return chunk() * std::min(PACK_TILES * LANES, ceiling(2 * norb, BLOCK) * BLOCK) * PARTS;
    }
};

// Q as left factors: chunk c of points along them, a panel of points along its columns.
template <int PARTS>
inline void pack_chunk(const float *q, const Packing<PARTS> &p, int64_t c, Bf16 *to) {
    for (int64_t i = 0; i < p.rank_panels(); ++i)
        pack_columns<PARTS>(q, 2 * p.rank, c * p.chunk(), p.points, i * BLOCK, p.steps(c),
                            to + p.columns_at(c) + i * p.steps(c) * PARTS * PAIR);
}

template <int PARTS>
inline void pack_panel(const float *q, const Packing<PARTS> &p, int64_t panel, Bf16 *to) {
    pack_rows<PARTS>(q, p.points, 2 * p.rank, panel * BLOCK, p.rank_steps(), to + p.rows_at(panel));
}

// Packs the next stretch of psi bit by bit: `rows` points from `from` on, `width` floats of each.
template <int PARTS>
class Stretch {
  public:
    void start(const float *from, int64_t rows, int64_t step, int64_t width, Bf16 *to, int64_t calls) {
        from_ = from, rows_ = rows, step_ = step, width_ = width;
        steps_ = ceiling(rows, STEP);
        packer_ = {to, steps_};
        tiles_ = 2 * ceiling(width, BLOCK);
        pair_ = tile_ = 0;
        left_ = steps_ * LANES * tiles_;
        each_ = ceiling(left_, std::max<int64_t>(calls, 1));
    }
    MLMD_INLINE void operator()() { some(each_); }
    void finish() { some(left_); }
    Panels panels() const { return {packer_.to, tiles_ / 2, steps_}; }

  private:
    MLMD_INLINE void some(int64_t most) {
        for (int64_t n = std::min(most, left_); n > 0; --n, --left_) {
            const int64_t column = tile_ * LANES;
            const float *first = from_ + 2 * pair_ * step_ + column;
            packer_.row(2 * pair_ < rows_ ? first : nullptr, 2 * pair_ + 1 < rows_ ? first + step_ : nullptr,
                        std::max<int64_t>(width_ - column, 0), pair_, tile_);
            if (++tile_ == tiles_) tile_ = 0, ++pair_;
        }
    }

    const float *from_ = nullptr;
    RightPacker<PARTS> packer_ = {};
    int64_t rows_ = 0, step_ = 0, width_ = 0, steps_ = 0, tiles_ = 0, pair_ = 0, tile_ = 0, left_ = 0, each_ = 0;
};

struct Nothing {
    MLMD_INLINE void operator()() const {}
};

// Where a thread sums (blocks [column panel][rank panel]) and packs.
struct Room {
    float *sums, *recent;
    Bf16 *packed;
};

// room.sums = Q^T psi over the chunks [begin, end); sums of a few chunks are put together first if there are many.
template <class Engine, int PARTS>
inline void project(const float *psi, int64_t norb, const Packing<PARTS> &p, const Bf16 *q, int64_t begin, int64_t end,
                    const Room &room) {
    const typename Engine::Session session;
    const int64_t width = 2 * norb, stretch = PACK_TILES * LANES, parts = ceiling(width, stretch);
    const int64_t panels = p.rank_panels(), size = p.sums_size(norb);
    const bool flush = end - begin > FLUSH;
    float *sums = flush ? room.recent : room.sums;
    std::fill_n(room.sums, size, 0.0f);
    if (flush) std::fill_n(room.recent, size, 0.0f);
    Stretch<PARTS> now, next;
    const auto start = [&](Stretch<PARTS> &s, int64_t n) {
        const int64_t c = begin + n / parts, column = n % parts * stretch;
        if (c == end) return;
        const int64_t products = p.steps(c) * panels * ceiling(std::min(stretch, width - column), BLOCK);
        s.start(psi + c * p.chunk() * width + column, std::min(p.chunk(), p.points - c * p.chunk()), width,
                std::min(stretch, width - column), room.packed + n % 2 * p.stretch_size(norb), products);
    };
    Aside<Stretch<PARTS>> aside(next);
    start(next, 0);
    for (int64_t n = 0; n < (end - begin) * parts; ++n) {
        next.finish();
        now = next;
        start(next, n + 1);
        const int64_t c = begin + n / parts;
        float *to = sums + n % parts * (PACK_TILES / 2) * panels * BLOCK_SIZE;
        sweep_left<Engine, PARTS>({q + p.columns_at(c), panels, p.steps(c)}, now.panels(), aside,
                                  [&](int64_t i, int64_t j, int64_t) MLMD_LAMBDA {
                                      float *block = to + (j * panels + i) * BLOCK_SIZE;
                                      return Target{block, BLOCK, BLOCK, BLOCK, nullptr};
                                  });
        if (flush && n % parts == parts - 1 && ((c - begin) % FLUSH == FLUSH - 1 || c == end - 1)) {
            aside.finish();
            for (int64_t k = 0; k < size; ++k) room.sums[k] += room.recent[k];
            std::fill_n(room.recent, size, 0.0f);
        }
    }
    aside.finish();
}

// An element of Q^H psi from the sums of `parts` threads, `size` apart.
MLMD_INLINE Complex<double> overlap(const float *sums, int64_t parts, int64_t size, int64_t rank_panels, int64_t r,
                                    int64_t s) {
    const float *g = sums + (2 * s / BLOCK * rank_panels + 2 * r / BLOCK) * BLOCK_SIZE + 2 * r % BLOCK * BLOCK +
                     2 * s % BLOCK;
    Complex<double> sum = {0.0, 0.0};
    for (int64_t part = 0; part < parts; ++part, g += size) {
        sum.re += static_cast<double>(g[0]) + g[BLOCK + 1];
        sum.im += static_cast<double>(g[1]) - g[BLOCK];
    }
    return sum;
}

// Rows of (F, i F) for the pair of inner indices r of right panels: each complex row becomes a pair of real ones.
template <int PARTS>
inline void pack_factor(const float *f, int64_t rank, int64_t norb, int64_t steps, int64_t r, Bf16 *to) {
    const int64_t width = 2 * norb, tiles = 2 * ceiling(width, BLOCK);
    const RightPacker<PARTS> packer = {to, steps};
    for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t column = tile * LANES, here = r < rank ? std::min(LANES, width - column) : 0;
        float plain[LANES] = {}, turned[LANES] = {};
        for (int64_t k = 0; k + 1 < here; k += 2) {
            const float *x = f + r * width + column + k;
            plain[k] = x[0], plain[k + 1] = x[1];
            turned[k] = -x[1], turned[k + 1] = x[0];
        }
        packer.row(plain, turned, LANES, r, tile);
    }
}

// to (rows, width) += left panels times right panels, for the POINT_PANELS left ones from `first` on; a left panel is
// BLOCK rows.  `partial` is room for as many blocks, and left zero as it must be given.
template <class Engine, int PARTS>
inline void expand_panels(float *to, int64_t rows, int64_t width, const Bf16 *left, const Panels &right, int64_t first,
                          float *partial, Aside<Nothing> &aside) {
    const int64_t left_ones = std::min(POINT_PANELS<PARTS>, ceiling(rows, BLOCK) - first);
    const Panels here = {left + first * right.steps * PARTS * PAIR, left_ones, right.steps};
    sweep_right<Engine, PARTS>(here, right, aside, [&](int64_t i, int64_t j, int64_t k) MLMD_LAMBDA {
        const int64_t row = (first + i) * BLOCK, column = j * BLOCK;
        float *block = partial + i * BLOCK_SIZE;
        if (k + SPAN < right.steps) return Target{block, BLOCK, BLOCK, BLOCK, nullptr};
        return Target{to + row * width + column, width, std::min(BLOCK, rows - row), std::min(BLOCK, width - column),
                      right.steps > SPAN ? block : nullptr};
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd
