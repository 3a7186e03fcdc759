// Nonlocal propagator in bf16 parts: psi += Q S (Q^H psi dv) by tile products with FP32 sums.
//
// Complex matrices are taken as real ones of interleaved columns.  Projecting, G = Q^T psi over chunks of points: psi
// of the next chunk is packed between the tile products of this one; overlaps are sums of pairs of elements of G.
// Expanding, psi += Q F with the rows of F doubled, (F, i F), psi is read and written once, between the products.
// Q is packed both ways beforehand.  The small product F = S O goes through the same tiles in three parts, which is
// as good as FP32.
#pragma once

#include <vector>

#include "bf16_pack.h"
#include "bf16_panels.h"
#include "common.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t FLUSH = 16;            // chunks summed in FP32 before they go to double precision
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

// sums (blocks [column panel][rank panel]) of Q^T psi over the chunks [begin, end).
template <class Engine, int PARTS>
void project(const float *psi, int64_t norb, const Packing<PARTS> &p, const Bf16 *q, int64_t begin, int64_t end,
             double *sums) {
    const typename Engine::Session session;
    const int64_t width = 2 * norb, stretch = PACK_TILES * LANES, parts = ceiling(width, stretch);
    const int64_t panels = p.rank_panels(), size = ceiling(width, BLOCK) * panels * BLOCK_SIZE;
    const int64_t room = p.chunk() * std::min(stretch, ceiling(width, BLOCK) * BLOCK) * PARTS;
    const Scratch<Bf16> packed(2 * room);
    const Scratch<float> recent(size);
    std::fill_n(recent.get(), size, 0.0f);
    std::fill_n(sums, size, 0.0);
    Stretch<PARTS> now, next;
    const auto start = [&](Stretch<PARTS> &s, int64_t n) {
        const int64_t c = begin + n / parts, column = n % parts * stretch;
        const int64_t products = p.steps(c) * panels * ceiling(std::min(stretch, width - column), BLOCK);
        if (c < end)
            s.start(psi + c * p.chunk() * width + column, std::min(p.chunk(), p.points - c * p.chunk()), width,
                    std::min(stretch, width - column), packed.get() + n % 2 * room, products);
    };
    Aside<Stretch<PARTS>> aside(next);
    start(next, 0);
    for (int64_t n = 0; n < (end - begin) * parts; ++n) {
        next.finish();
        now = next;
        start(next, n + 1);
        const int64_t c = begin + n / parts;
        float *to = recent.get() + n % parts * (PACK_TILES / 2) * panels * BLOCK_SIZE;
        multiply_panels<Engine, PARTS>({q + p.columns_at(c), panels, p.steps(c)}, now.panels(), aside,
                                       [&](int64_t i, int64_t j) MLMD_LAMBDA {
                                           return Target{to + (j * panels + i) * BLOCK_SIZE, BLOCK, BLOCK, BLOCK};
                                       });
        if (n % parts == parts - 1 && ((c - begin) % FLUSH == FLUSH - 1 || c == end - 1)) {
            aside.finish();
            for (int64_t k = 0; k < size; ++k) sums[k] += recent.get()[k];
            std::fill_n(recent.get(), size, 0.0f);
        }
    }
}

// to (rows, width) += left panels times right panels; a left panel is BLOCK rows.
template <class Engine, int PARTS>
void expand(float *to, int64_t rows, int64_t width, const Bf16 *left, const Panels &right, int threads) {
    const int64_t panels = ceiling(rows, BLOCK);
#pragma omp parallel num_threads(threads)
    {
        const typename Engine::Session session;
        Nothing nothing;
        Aside<Nothing> aside(nothing);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < panels; first += POINT_PANELS<PARTS>) {
            const Panels here = {left + first * right.steps * PARTS * PAIR,
                                 std::min(POINT_PANELS<PARTS>, panels - first), right.steps};
            multiply_panels<Engine, PARTS>(here, right, aside, [&](int64_t i, int64_t j) MLMD_LAMBDA {
                const int64_t row = (first + i) * BLOCK, column = j * BLOCK;
                return Target{to + row * width + column, width, std::min(BLOCK, rows - row),
                              std::min(BLOCK, width - column)};
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
inline void combine(const double *sums, int64_t parts, int64_t rank, int64_t norb, double dv, float *overlaps,
                    int threads) {
    const int64_t panels = ceiling(2 * rank, BLOCK), size = ceiling(2 * norb, BLOCK) * panels * BLOCK_SIZE;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rank; ++r)
        for (int64_t s = 0; s < norb; ++s) {
            const double *g = sums + (2 * s / BLOCK * panels + 2 * r / BLOCK) * BLOCK_SIZE + 2 * r % BLOCK * BLOCK +
                              2 * s % BLOCK;
            double re = 0.0, im = 0.0;
            for (int64_t part = 0; part < parts; ++part, g += size) {
                re += g[0] + g[BLOCK + 1];
                im += g[1] - g[BLOCK];
            }
            overlaps[2 * (r * norb + s)] = static_cast<float>(dv * re);
            overlaps[2 * (r * norb + s) + 1] = static_cast<float>(dv * im);
        }
}

template <class Engine, int PARTS>
void propagate_parts(const mlmd_psi &psi, const mlmd_lowrank &op, int threads) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], norb = psi.norb, rank = op.rank, width = 2 * norb;
    const Packing<PARTS> p = {points, rank};
    const Bf16 *q = static_cast<const Bf16 *>(op.q);
    float *data = static_cast<float *>(psi.data);
    const int64_t column_panels = ceiling(width, BLOCK), size = column_panels * p.rank_panels() * BLOCK_SIZE;
    const int64_t teams = std::min<int64_t>(threads, p.chunks());
    const Scratch<float> overlaps(rank * width), factors(rank * width), s(2 * rank * rank);
    {
        const Scratch<double> sums(teams * size);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int64_t part = 0; part < teams; ++part)
            project<Engine, PARTS>(data, norb, p, q, p.chunks() * part / teams, p.chunks() * (part + 1) / teams,
                                   sums.get() + part * size);
        combine(sums.get(), teams, rank, norb, op.dv, overlaps.get(), threads);
    }
    const int64_t room = column_panels * p.rank_steps() * PAIR;
    const Scratch<Bf16> right(3 * room), left(p.rank_panels() * p.rank_steps() * 3 * PAIR);
    for (int64_t k = 0; k < 2 * rank * rank; ++k) s.get()[k] = static_cast<float>(op.s[k]);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p.rank_panels(); ++i)
        pack_rows<3>(s.get(), rank, 2 * rank, i * BLOCK, p.rank_steps(), left.get() + i * p.rank_steps() * 3 * PAIR);
    pack_factors<3>(overlaps.get(), rank, norb, p.rank_steps(), right.get(), threads);
    std::fill_n(factors.get(), rank * width, 0.0f);
    expand<Engine, 3>(factors.get(), rank, width, left.get(), {right.get(), column_panels, p.rank_steps()}, threads);
    pack_factors<PARTS>(factors.get(), rank, norb, p.rank_steps(), right.get(), threads);
    expand<Engine, PARTS>(data, points, width, q + p.rows_at(0), {right.get(), column_panels, p.rank_steps()}, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
