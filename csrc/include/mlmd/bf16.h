// Real matrices in bf16 parts, cut into the tiles that matrix units multiply.
//
// A float is written as a sum of 1 to 3 bf16 numbers, each the rest rounded to nearest even.  An array of complex
// numbers is taken as the real array of twice as many columns that it is in memory, so that no plane of real or
// imaginary parts has to be made.  Tiles come in pairs that are multiplied as a block of 2 x 2; the left factor has
// tiles of 16 rows x 32 inner indices, the right one of 16 pairs of inner indices x 16 columns, the two of a pair
// side by side.  All instruction sets share this layout.
#pragma once

#include "bf16_split.h"
#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

typedef uint16_t Bf16;

constexpr int64_t LANES = 16;                 // columns of a tile
constexpr int64_t STEP = 32;                  // inner indices of a tile
constexpr int64_t BLOCK = 32;                 // rows, and columns, of a block of 2 x 2 tiles
constexpr int64_t TILE = 512;                 // numbers in a tile
constexpr int64_t PAIR = 2 * TILE;            // and in a pair of tiles
constexpr int64_t BLOCK_SIZE = BLOCK * BLOCK; // results of a block

// Parts of left and right in the six products of three parts, small ones first, so ordered that successive products
// share a factor.  Of fewer parts the last three, or the last one, are summed.
constexpr int PRODUCTS[6][2] = {{0, 2}, {2, 0}, {1, 1}, {0, 1}, {1, 0}, {0, 0}};
template <int PARTS>
constexpr int FIRST_PRODUCT = 6 - PARTS * (PARTS + 1) / 2;

MLMD_INLINE int64_t ceiling(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

// Takes the leading bf16 numbers off a register.
template <class P, class Bits>
MLMD_INLINE Bits take_bf16(P &x) {
    const Bits u = (Bits)x.v, top = (u + 0x7fffu + ((u >> 16) & 1u)) & 0xffff0000u;
    x.v -= (typename P::Vec)top;
    return top;
}

// Parts of the LANES numbers of two rows, as pairs (first, second): one row of a right tile for each part.
template <int PARTS>
MLMD_INLINE void split_pairs(const float *first, const float *second, Bf16 *to, int64_t part_step) {
    typedef Pack<float, VECTOR_BYTES> P;
    typedef uint32_t Bits __attribute__((vector_size(VECTOR_BYTES)));
    MLMD_UNROLL
    for (int64_t l = 0; l < LANES; l += P::SIZE) {
        P x = P::load(first + l), y = P::load(second + l);
        MLMD_UNROLL
        for (int part = 0; part < PARTS; ++part) {
            const Bits low = take_bf16<P, Bits>(x), high = take_bf16<P, Bits>(y), pairs = (low >> 16) | high;
            MLMD_MEMCPY(to + part * part_step + 2 * l, &pairs, sizeof pairs);
        }
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
