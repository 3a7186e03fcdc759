// Real matrices in bf16 parts, cut into the tiles that matrix units multiply.
//
// A float is written as a sum of 1 to 3 bf16 numbers, each the rest rounded to nearest even.  An array of complex
// numbers is taken as the real array of twice as many columns that it is in memory, so that no plane of real or
// imaginary parts has to be made.  Tiles come in pairs that are multiplied as a block of 2 x 2; the left factor has
// tiles of 16 rows x 32 inner indices, the right one of 16 pairs of inner indices x 16 columns, the two of a pair
// side by side.  All instruction sets share this layout.
#pragma once

#include <cstdint>
#include <cstring>

#include "mlmd/bf16_split.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {

typedef uint16_t Bf16;

constexpr int64_t LANES = 16;                 // columns of a tile
constexpr int64_t STEP = 32;                  // inner indices of a tile
constexpr int64_t BLOCK = 32;                 // rows, and columns, of a block of 2 x 2 tiles
constexpr int64_t TILE = 512;                 // numbers in a tile
constexpr int64_t PAIR = 2 * TILE;            // and in a pair of tiles
constexpr int64_t BLOCK_SIZE = BLOCK * BLOCK; // results of a block

MLMD_INLINE int64_t ceiling(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

// Parts of the LANES numbers of two rows, as pairs (first, second): one row of a right tile for each part.
template <int PARTS>
MLMD_INLINE void split_pairs(const float *first, const float *second, Bf16 *to, int64_t part_step) {
    float x[LANES], y[LANES];
    for (int l = 0; l < LANES; ++l) x[l] = first[l];
    for (int l = 0; l < LANES; ++l) y[l] = second[l];
#pragma GCC unroll 3
    for (int part = 0; part < PARTS; ++part) {
        uint32_t pairs[LANES];
        for (int l = 0; l < LANES; ++l) {
            const uint32_t low = take_bf16(x[l]), high = take_bf16(y[l]);
            pairs[l] = (low >> 16) | high;
        }
        std::memcpy(to + part * part_step, pairs, sizeof pairs);
    }
}

// Parts of the STEP numbers of one row of a left tile, part_step apart; x is used up.
template <int PARTS>
MLMD_INLINE void split(float (&x)[STEP], Bf16 *to, int64_t part_step) {
    for (int part = 0; part < PARTS; ++part)
        for (int64_t t = 0; t < STEP; ++t) to[part * part_step + t] = static_cast<Bf16>(take_bf16(x[t]) >> 16);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
