// Products of complex matrices with few rows or inner indices, for one thread.
//
// A tile of the result, some rows times a few registers of orbitals, stays in registers while the inner index runs: one
// factor comes in whole registers, the other as two broadcast reals, whose two sums are put together only at the end.
#pragma once

#include <type_traits>

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t CHUNK = 64;  // grid points that are worked on in the first-level cache
constexpr int TILE_ROWS = VECTOR_BYTES == 64 ? 4 : 2;
constexpr int TILE_PACKS = 3;

// One factor read by broadcast: element (row, inner) is at data + 2 (row row_step + inner inner_step).
template <class T>
struct Broadcast {
    const T *data;
    int64_t row_step, inner_step;
};

// tile(row, pack) = sum over inner of a(row, inner) b(inner, pack), or conj(a) b.
template <class T, int ROWS, int PACKS, bool CONJUGATE>
MLMD_INLINE void multiply_tile(Broadcast<T> a, const T *b, int64_t b_step, int64_t inner, T *tile, int64_t tile_step) {
    typedef Pack<T, VECTOR_BYTES> P;
    typename P::Vec re[ROWS][PACKS] = {}, im[ROWS][PACKS] = {};
    MLMD_NO_UNROLL
    for (int64_t t = 0; t < inner; ++t) {
        typename P::Vec x[PACKS];
        MLMD_UNROLL
        for (int k = 0; k < PACKS; ++k) x[k] = P::load(b + t * b_step + k * P::SIZE).v;
        MLMD_UNROLL
        for (int r = 0; r < ROWS; ++r) {
            const T *q = a.data + 2 * (r * a.row_step + t * a.inner_step);
            MLMD_UNROLL
            for (int k = 0; k < PACKS; ++k) {
                re[r][k] = fused_numbers(P::splat(q[0]), x[k], re[r][k]);
                im[r][k] = fused_numbers(P::splat(q[1]), x[k], im[r][k]);
            }
        }
    }
    const typename P::Vec i = P::alternate(CONJUGATE ? -1 : 1);
    MLMD_UNROLL
    for (int r = 0; r < ROWS; ++r)
        MLMD_UNROLL
        for (int k = 0; k < PACKS; ++k)
            P{re[r][k] + i * P{im[r][k]}.swapped().v}.store(tile + r * tile_step + k * P::SIZE);
}

// The whole product c (rows, packs) by tiles; b and c have whole registers in each row.
template <class T, bool CONJUGATE>
inline void multiply(Broadcast<T> a, const T *b, T *c, int64_t step, int64_t rows, int64_t inner) {
    typedef Pack<T, VECTOR_BYTES> P;
    const int64_t packs = step / P::SIZE;
    int64_t r = 0;
    const auto row_tiles = [&](auto rows_tag) MLMD_LAMBDA {
        constexpr int R = decltype(rows_tag)::value;
        for (; r + R <= rows; r += R) {
            const Broadcast<T> from = {a.data + 2 * r * a.row_step, a.row_step, a.inner_step};
            int64_t k = 0;
            for (; k + TILE_PACKS <= packs; k += TILE_PACKS)
                multiply_tile<T, R, TILE_PACKS, CONJUGATE>(from, b + k * P::SIZE, step, inner,
                                                           c + r * step + k * P::SIZE, step);
            T *rest = c + r * step + k * P::SIZE;
            if (packs - k == 2) multiply_tile<T, R, 2, CONJUGATE>(from, b + k * P::SIZE, step, inner, rest, step);
            if (packs - k == 1) multiply_tile<T, R, 1, CONJUGATE>(from, b + k * P::SIZE, step, inner, rest, step);
        }
    };
    row_tiles(std::integral_constant<int, TILE_ROWS>{});
    row_tiles(std::integral_constant<int, 1>{});
}

}  // namespace MLMD_ISA
}  // namespace mlmd
