// Nonlocal propagator in bf16 parts: psi += Q S (Q^H psi dv) by tile products with FP32 sums (mlmd/nlp_parts.h).
//
// Q is packed both ways beforehand.  The small product F = S O goes through the same tiles.
#pragma once

#include "bf16_blocks.h"
#include "common.h"
#include "mlmd/nlp_parts.h"

namespace mlmd {
namespace MLMD_ISA {

// Parts for the small product F = S O: as good as FP32 in each mode.
constexpr int MIDDLE_PARTS = 3;

template <int PARTS>
void pack_q(const float *q, const Packing<PARTS> &p, Bf16 *to, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t c = 0; c < p.chunks(); ++c) pack_chunk<PARTS>(q, p, c, to);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p.point_panels(); ++i) pack_panel<PARTS>(q, p, i, to);
}

// Scratch memory of a call, in one piece: byte offsets.
template <int PARTS>
struct Layout {
    int64_t column_panels, size, teams, stretch_size;
    int64_t sums, recent, packed, overlaps, factors, right, left, bytes = 0;

    Layout(const Packing<PARTS> &p, int64_t norb, int threads) {
        const int64_t width = 2 * norb;
        column_panels = ceiling(width, BLOCK);
        size = p.sums_size(norb);
        teams = std::min<int64_t>(threads, p.chunks());
        stretch_size = p.stretch_size(norb);
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
        for (int64_t first = 0; first < panels; first += POINT_PANELS<PARTS>)
            expand_panels<Engine, PARTS>(to, rows, width, left, right, first, partial, aside);
        aside.finish();
    }
}

// Right panels of (F, i F).
template <int PARTS>
void pack_factors(const float *f, int64_t rank, int64_t norb, int64_t steps, Bf16 *to, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < steps * LANES; ++r) pack_factor<PARTS>(f, rank, norb, steps, r, to);
}

// Overlaps dv (Q^H psi) (rank, norb), complex, from the sums of all threads.
inline void combine(const float *sums, int64_t parts, int64_t rank, int64_t norb, double dv, float *overlaps,
                    int threads) {
    const int64_t panels = ceiling(2 * rank, BLOCK), size = ceiling(2 * norb, BLOCK) * panels * BLOCK_SIZE;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rank; ++r)
        for (int64_t s = 0; s < norb; ++s) {
            const Complex<double> sum = overlap(sums, parts, size, panels, r, s);
            overlaps[2 * (r * norb + s)] = static_cast<float>(dv * sum.re);
            overlaps[2 * (r * norb + s) + 1] = static_cast<float>(dv * sum.im);
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
                               p.chunks() * (part + 1) / layout.teams,
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
