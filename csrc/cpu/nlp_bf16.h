// Nonlocal propagator in bf16 parts: psi += Q S (Q^H psi dv) by tile products with FP32 sums.
//
// Complex matrices are taken as real ones of interleaved columns.  Projecting, G = Q^T psi over chunks of points: psi
// of the next chunk is packed between the tile products of this one; overlaps are sums of pairs of elements of G.
// Expanding, psi += Q F with the rows of F doubled, (F, i F), psi is read and written once, between the products.
// Q is packed both ways beforehand.  The small product F = S O goes through the same tiles.
#pragma once

#include "bf16_pack.h"
#include "bf16_panels.h"
#include "common.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t FLUSH = 16;            // chunks that are summed before they are added to the total
constexpr int64_t PACK_TILES = 16;       // columns of tiles of psi packed at a time

template <int PARTS>
constexpr int64_t CHUNK_STEPS = PARTS == 1 ? 32 : PARTS == 2 ? 16 : 8;
// Parts for the small product F = S O: as good as FP32 in each mode.
constexpr int MIDDLE_PARTS = 3;
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
};

template <int PARTS>
void pack_q(const float *q, const Packing<PARTS> &p, Bf16 *to, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t c = 0; c < p.chunks(); ++c)
        for (int64_t i = 0; i < p.rank_panels(); ++i)
            pack_columns<PARTS>(q, 2 * p.rank, c * p.chunk(), p.points, i * BLOCK, p.steps(c),
                                to + p.columns_at(c) + i * p.steps(c) * PARTS * PAIR);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p.point_panels(); ++i)
        pack_rows<PARTS>(q, p.points, 2 * p.rank, i * BLOCK, p.rank_steps(), to + p.rows_at(i));
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

// Scratch memory of a call, in one piece: byte offsets.
template <int PARTS>
struct Layout {
    int64_t column_panels, size, teams, stretch_size;
    int64_t sums, recent, packed, overlaps, factors, right, left, bytes = 0;

    Layout(const Packing<PARTS> &p, int64_t norb, int threads) {
        const int64_t width = 2 * norb;
        column_panels = ceiling(width, BLOCK);
        size = column_panels * p.rank_panels() * BLOCK_SIZE;
        teams = std::min<int64_t>(threads, p.chunks());
        stretch_size = p.chunk() * std::min(PACK_TILES * LANES, column_panels * BLOCK) * PARTS;
        sums = take<float>(teams * size);
        recent = take<float>(p.chunks() > teams * FLUSH ? teams * size : 0);
        packed = take<Bf16>(teams * 2 * stretch_size);
        overlaps = take<float>(p.rank * width);
        factors = take<float>(p.rank * width);
        right = take<Bf16>(column_panels * p.rank_steps() * MIDDLE_PARTS * PAIR);
        left = take<Bf16>(ceiling(p.rank, BLOCK) * p.rank_steps() * MIDDLE_PARTS * PAIR);
    }

  private:
    template <class T>
    int64_t take(int64_t count) {
        const int64_t at = bytes;
        bytes += ceiling(count * static_cast<int64_t>(sizeof(T)), 64) * 64;
        return at;
    }
};

// Where a thread sums (blocks [column panel][rank panel]) and packs.
struct Room {
    float *sums, *recent;
    Bf16 *packed;
};

// room.sums = Q^T psi over the chunks [begin, end); sums of a few chunks are put together first if there are many.
template <class Engine, int PARTS>
void project(const float *psi, int64_t norb, const Packing<PARTS> &p, const Bf16 *q, int64_t begin, int64_t end,
             const Layout<PARTS> &layout, const Room &room) {
    const typename Engine::Session session;
    const int64_t width = 2 * norb, stretch = PACK_TILES * LANES, parts = ceiling(width, stretch);
    const int64_t panels = p.rank_panels(), size = layout.size;
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
                std::min(stretch, width - column), room.packed + n % 2 * layout.stretch_size, products);
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

// to (rows, width) += left panels times right panels; a left panel is BLOCK rows.
template <class Engine, int PARTS>
void expand(float *to, int64_t rows, int64_t width, const Bf16 *left, const Panels &right, int threads) {
    const int64_t panels = ceiling(rows, BLOCK), size = POINT_PANELS<PARTS> * BLOCK_SIZE;
    const Scratch<float> partials(threads * size);
#pragma omp parallel num_threads(threads)
    {
        const typename Engine::Session session;
        Nothing nothing;
        Aside<Nothing> aside(nothing);
        float *partial = partials.get() + thread_index() * size;
        std::fill_n(partial, size, 0.0f);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < panels; first += POINT_PANELS<PARTS>) {
            const Panels here = {left + first * right.steps * PARTS * PAIR,
                                 std::min(POINT_PANELS<PARTS>, panels - first), right.steps};
            sweep_right<Engine, PARTS>(here, right, aside, [&](int64_t i, int64_t j, int64_t k) MLMD_LAMBDA {
                const int64_t row = (first + i) * BLOCK, column = j * BLOCK;
                float *block = partial + i * BLOCK_SIZE;
                if (k + SPAN < right.steps) return Target{block, BLOCK, BLOCK, BLOCK, nullptr};
                return Target{to + row * width + column, width, std::min(BLOCK, rows - row),
                              std::min(BLOCK, width - column), right.steps > SPAN ? block : nullptr};
            });
        }
        aside.finish();
    }
}

// Right panels of (F, i F): each complex row becomes a pair of real ones.
template <int PARTS>
void pack_factors(const float *f, int64_t rank, int64_t norb, int64_t steps, Bf16 *to, int threads) {
    const int64_t width = 2 * norb, tiles = 2 * ceiling(width, BLOCK);
    const RightPacker<PARTS> packer = {to, steps};
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < steps * LANES; ++r)
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

// Overlaps dv (Q^H psi) (rank, norb), complex, from the sums of all threads.
inline void combine(const float *sums, int64_t parts, int64_t rank, int64_t norb, double dv, float *overlaps,
                    int threads) {
    const int64_t panels = ceiling(2 * rank, BLOCK), size = ceiling(2 * norb, BLOCK) * panels * BLOCK_SIZE;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rank; ++r)
        for (int64_t s = 0; s < norb; ++s) {
            const float *g = sums + (2 * s / BLOCK * panels + 2 * r / BLOCK) * BLOCK_SIZE + 2 * r % BLOCK * BLOCK +
                              2 * s % BLOCK;
            double re = 0.0, im = 0.0;
            for (int64_t part = 0; part < parts; ++part, g += size) {
                re += static_cast<double>(g[0]) + g[BLOCK + 1];
                im += static_cast<double>(g[1]) - g[BLOCK];
            }
            overlaps[2 * (r * norb + s)] = static_cast<float>(dv * re);
            overlaps[2 * (r * norb + s) + 1] = static_cast<float>(dv * im);
        }
}

// factors = S overlaps.
template <class Engine, int PARTS>
void middle(const double *s, const float *overlaps, int64_t rank, int64_t norb, Bf16 *left, Bf16 *right,
            float *factors, int threads) {
    const int64_t width = 2 * norb, steps = ceiling(2 * rank, STEP);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < ceiling(rank, BLOCK); ++i)
        pack_rows<PARTS>(s, rank, 2 * rank, i * BLOCK, steps, left + i * steps * PARTS * PAIR);
    pack_factors<PARTS>(overlaps, rank, norb, steps, right, threads);
    std::fill_n(factors, rank * width, 0.0f);
    expand<Engine, PARTS>(factors, rank, width, left, {right, ceiling(width, BLOCK), steps}, threads);
}

template <class Engine, int PARTS>
void propagate_parts(const mlmd_psi &psi, const mlmd_lowrank &op, int threads) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], norb = psi.norb, rank = op.rank, width = 2 * norb;
    const Packing<PARTS> p = {points, rank};
    const Layout<PARTS> layout(p, norb, threads);
    const Scratch<char> own(op.work ? 0 : layout.bytes);
    char *work = op.work ? static_cast<char *>(op.work) : own.get();
    const auto floats = [&](int64_t offset) { return reinterpret_cast<float *>(work + offset); };
    const auto tiles = [&](int64_t offset) { return reinterpret_cast<Bf16 *>(work + offset); };
    const Bf16 *q = static_cast<const Bf16 *>(op.q);
    float *data = static_cast<float *>(psi.data), *overlaps = floats(layout.overlaps), *factors = floats(layout.factors);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int64_t part = 0; part < layout.teams; ++part)
        project<Engine, PARTS>(data, norb, p, q, p.chunks() * part / layout.teams,
                               p.chunks() * (part + 1) / layout.teams, layout,
                               {floats(layout.sums) + part * layout.size, floats(layout.recent) + part * layout.size,
                                tiles(layout.packed) + part * 2 * layout.stretch_size});
    combine(floats(layout.sums), layout.teams, rank, norb, op.dv, overlaps, threads);
    middle<Engine, MIDDLE_PARTS>(op.s, overlaps, rank, norb, tiles(layout.left), tiles(layout.right), factors,
                                        threads);
    pack_factors<PARTS>(factors, rank, norb, p.rank_steps(), tiles(layout.right), threads);
    expand<Engine, PARTS>(data, points, width, q + p.rows_at(0),
                          {tiles(layout.right), layout.column_panels, p.rank_steps()}, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
