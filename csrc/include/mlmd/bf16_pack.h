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
        for (int64_t k = 0; k < steps; ++k) {
            const int64_t here = row + r < rows ? std::min(STEP, inner - k * STEP) : 0;
            float x[STEP] = {};
            for (int64_t t = 0; t < here; ++t) x[t] = static_cast<float>(from[(row + r) * inner + k * STEP + t]);
            split<PARTS>(x, to + (k * PARTS * 2 + r / LANES) * TILE + r % LANES * STEP, PAIR);
        }
}

// Left factor from rows that lie across it: columns [column, column + BLOCK) of a matrix (inner, columns), inner
// indices [begin, end), into one panel of `steps` pairs.
template <int PARTS>
void pack_columns(const float *from, int64_t columns, int64_t begin, int64_t end, int64_t column, int64_t steps,
                  Bf16 *to) {
    const int64_t width = std::min(BLOCK, columns - column);
    for (int64_t k = 0; k < steps; ++k) {
        float x[BLOCK][STEP] = {};
        const int64_t first = begin + k * STEP, here = std::min(STEP, end - first);
        for (int64_t t = 0; t < here; ++t)
            for (int64_t c = 0; c < width; ++c) x[c][t] = from[(first + t) * columns + column + c];
        for (int64_t c = 0; c < BLOCK; ++c)
            split<PARTS>(x[c], to + (k * PARTS * 2 + c / LANES) * TILE + c % LANES * STEP, PAIR);
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
