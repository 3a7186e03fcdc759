// Packing of matrices into panels of tiles.
#pragma once

#include <algorithm>

#include "bf16.h"

namespace mlmd {
namespace MLMD_ISA {

// Right factor: rows are pairs of inner indices.  Packs columns [0, columns) of a pair of rows into the panels; either
// row may be missing.  `pair` counts the pairs of rows of the panels, `steps` is their length.
template <int PARTS>
struct RightPacker {
    Bf16 *to;
    int64_t steps;

    MLMD_INLINE Bf16 *place(int64_t pair, int64_t tile) const {
        return to + ((tile / 2 * steps + pair / LANES) * PARTS * 2 + tile % 2) * TILE + pair % LANES * 2 * LANES;
    }

    // One row of one tile, from full or partial rows.
    MLMD_INLINE void row(const float *first, const float *second, int64_t width, int64_t pair, int64_t tile) const {
        if (first && second && width >= LANES) {
            split_pairs<PARTS>(first, second, place(pair, tile), PAIR);
            return;
        }
        float x[LANES] = {}, y[LANES] = {};
        if (first) std::copy_n(first, std::min(width, LANES), x);
        if (second) std::copy_n(second, std::min(width, LANES), y);
        split_pairs<PARTS>(x, y, place(pair, tile), PAIR);
    }
};

// Left factor from rows that lie along the inner index: rows [row, row + BLOCK) of a matrix (rows, inner) into one
// panel of `steps` pairs.
template <int PARTS, class T>
void pack_rows(const T *from, int64_t rows, int64_t inner, int64_t row, int64_t steps, Bf16 *to) {
    for (int64_t r = 0; r < BLOCK; ++r)
        for (int64_t t = 0; t < steps * STEP; ++t) {
            const float x = row + r < rows && t < inner ? static_cast<float>(from[(row + r) * inner + t]) : 0.0f;
            split<PARTS>(x, to + (t / STEP * PARTS * 2 + r / LANES) * TILE + r % LANES * STEP + t % STEP, PAIR);
        }
}

// Left factor from rows that lie across it: columns [column, column + BLOCK) of a matrix (inner, columns), inner
// indices [begin, end), into one panel of `steps` pairs.
template <int PARTS>
void pack_columns(const float *from, int64_t columns, int64_t begin, int64_t end, int64_t column, int64_t steps,
                  Bf16 *to) {
    for (int64_t t = 0; t < steps * STEP; ++t)
        for (int64_t c = 0; c < BLOCK; ++c) {
            const float x = begin + t < end && column + c < columns ? from[(begin + t) * columns + column + c] : 0.0f;
            split<PARTS>(x, to + (t / STEP * PARTS * 2 + c / LANES) * TILE + c % LANES * STEP + t % STEP, PAIR);
        }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
