// Nonlocal propagator in bf16 parts by dot products of registers (AVX512-BF16), in tasks: psi += Q F, F = S (Q^H psi dv).
// MLMD_PARTS, 1 to 3, is how many bf16 numbers stand for a float.
#pragma once

#include "items.h"

#include "mlmd/bf16_dot.h"
#include "mlmd/nlp_parts.h"

// Q as left factors, both ways: a task for each chunk of points, and for each panel.
MLMD_KERNEL(1) pack_columns(const float *q, uint16_t *to, int64_t points, int64_t rank) {
    mlmd::device::pack_chunk<MLMD_PARTS>(q, {points, rank}, task(), to);
}

MLMD_KERNEL(1) pack_rows(const float *q, uint16_t *to, int64_t points, int64_t rank) {
    mlmd::device::pack_panel<MLMD_PARTS>(q, {points, rank}, task(), to);
}

// sums[task] = Q^T psi of the task's share of the chunks.
MLMD_KERNEL(1)
project(const float *psi, const uint16_t *q, float *sums, float *recent, uint16_t *packed, int64_t points, int64_t norb,
        int64_t rank, int64_t tasks) {
    using namespace mlmd::device;
    const Packing<MLMD_PARTS> p = {points, rank};
    const Room room = {sums + task() * p.sums_size(norb), recent + task() * p.sums_size(norb),
                       packed + task() * 2 * p.stretch_size(norb)};
    project<Dot, MLMD_PARTS>(psi, norb, p, q, p.chunks() * task() / tasks, p.chunks() * (task() + 1) / tasks, room);
}

// overlaps (rank, norb) = dv times the sums of all tasks, put together to complex numbers.
MLMD_KERNEL(1) overlaps(const float *sums, float *to, int64_t rank, int64_t norb, int64_t tasks, float dv) {
    using namespace mlmd::device;
    const int64_t i = item();
    if (i >= rank * norb) return;
    const Packing<MLMD_PARTS> p = {1, rank};
    const mlmd::Complex<double> sum = overlap(sums, tasks, p.sums_size(norb), p.rank_panels(), i / norb, i % norb);
    to[2 * i] = dv * static_cast<float>(sum.re);
    to[2 * i + 1] = dv * static_cast<float>(sum.im);
}

// Right factor (F, i F) from f (rank, norb): a task for each row.
MLMD_KERNEL(1) pack_factors(const float *f, uint16_t *to, int64_t rank, int64_t norb) {
    using namespace mlmd::device;
    pack_factor<MLMD_PARTS>(f, rank, norb, Packing<MLMD_PARTS>{1, rank}.rank_steps(), task(), to);
}

// psi += Q F: panels of points in turn.  `partials` holds the blocks of each task.
MLMD_KERNEL(1)
expand(float *psi, const uint16_t *q, const uint16_t *f, float *partials, int64_t points, int64_t norb, int64_t rank,
       int64_t tasks) {
    using namespace mlmd::device;
    const Packing<MLMD_PARTS> p = {points, rank};
    const Panels right = {f, ceiling(2 * norb, BLOCK), p.rank_steps()};
    const int64_t batches = ceiling(p.point_panels(), POINT_PANELS<MLMD_PARTS>);
    float *partial = partials + task() * POINT_PANELS<MLMD_PARTS> * BLOCK_SIZE;
    std::fill_n(partial, POINT_PANELS<MLMD_PARTS> * BLOCK_SIZE, 0.0f);
    Nothing nothing;
    Aside<Nothing> aside(nothing);
    for (int64_t k = batches * task() / tasks; k < batches * (task() + 1) / tasks; ++k)
        expand_panels<Dot, MLMD_PARTS>(psi, points, 2 * norb, q + p.rows_at(0), right, k * POINT_PANELS<MLMD_PARTS>, partial, aside);
    aside.finish();
}
