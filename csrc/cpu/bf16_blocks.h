// Products of blocks: 32 x 32 results from two rows of tile pairs, by a matrix unit, by dot products (bf16_dot.h), or plainly.
//
// With 2 parts three products are summed, with 3 parts six: those of parts whose numbers add to less than PARTS.  The
// smaller ones come first.  `aside` is called once for each pair of tiles: other work to be done meanwhile.
#pragma once

#include "mlmd/bf16.h"
#include "mlmd/bf16_dot.h"

namespace mlmd {
namespace MLMD_ISA {

#if defined(__AVX512F__)
#define MLMD_TILES __attribute__((target("amx-tile,amx-bf16")))

// Intel AMX.  Tiles 0-3 sum the block, 4 and 5 hold the left pair, 6 and 7 the right one.
struct Amx {
    struct alignas(64) Configuration {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };

    // Tile registers are set up for a thread as long as this lives.
    struct Session {
        MLMD_TILES Session() {
            const Configuration configuration;
            asm volatile("ldtilecfg %0" : : "m"(configuration));
        }
        MLMD_TILES ~Session() { asm volatile("tilerelease"); }
    };

#define MLMD_TILE_LOAD(TO, FROM) asm volatile("tileloadd (%0,%1,1), %%tmm" #TO : : "r"(FROM), "r"(64L) : "memory")
#define MLMD_TILE_STORE(FROM, TO) asm volatile("tilestored %%tmm" #FROM ", (%0,%1,1)" : : "r"(TO), "r"(128L) : "memory")
#define MLMD_TILE_PRODUCT(TO, LEFT, RIGHT) asm volatile("tdpbf16ps %%tmm" #RIGHT ", %%tmm" #LEFT ", %%tmm" #TO :)

    static MLMD_TILES MLMD_INLINE void left(const Bf16 *pair) {
        MLMD_TILE_LOAD(4, pair);
        MLMD_TILE_LOAD(5, pair + TILE);
    }
    static MLMD_TILES MLMD_INLINE void right(const Bf16 *pair) {
        MLMD_TILE_LOAD(6, pair);
        MLMD_TILE_LOAD(7, pair + TILE);
    }
    static MLMD_TILES MLMD_INLINE void products() {
        MLMD_TILE_PRODUCT(0, 4, 6);
        MLMD_TILE_PRODUCT(1, 4, 7);
        MLMD_TILE_PRODUCT(2, 5, 6);
        MLMD_TILE_PRODUCT(3, 5, 7);
    }

    template <int PARTS, class Aside>
    static MLMD_TILES __attribute__((noinline)) void multiply(const Bf16 *a, const Bf16 *b, int64_t steps, float *c,
                                                              Aside &aside) {
        asm volatile("tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3" :);
        for (int64_t k = 0; k < steps; ++k, a += PARTS * PAIR, b += PARTS * PAIR) {
            if constexpr (PARTS == 1) {
                left(a), right(b), products();
            } else if constexpr (PARTS == 2) {
                left(a), right(b + PAIR), products();
                left(a + PAIR), right(b), products();
                left(a), products();
            } else {
                left(a), right(b + 2 * PAIR), products();
                right(b + PAIR), products();
                left(a + PAIR), products();
                right(b), products();
                left(a + 2 * PAIR), products();
                left(a), products();
            }
            aside();
        }
        MLMD_TILE_STORE(0, c);
        MLMD_TILE_STORE(1, c + LANES);
        MLMD_TILE_STORE(2, c + LANES * BLOCK);
        MLMD_TILE_STORE(3, c + LANES * BLOCK + LANES);
    }
};
#endif

// Any processor: a bf16 number is the upper half of a float, and the product of two is exact in FP32.
struct Plain {
    typedef Pack<float, VECTOR_BYTES> P;
    typedef uint32_t Bits __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
    static constexpr int64_t VECTORS = LANES / P::SIZE;
    static constexpr int64_t ROWS = 8 / VECTORS;
    struct Session {
        Session() {}
    };

    template <int PARTS, class Aside>
    static __attribute__((noinline)) void multiply(const Bf16 *a, const Bf16 *b, int64_t steps, float *c,
                                                   Aside &aside) {
        for (int64_t row = 0; row < BLOCK; row += ROWS)
            for (int64_t column = 0; column < 2; ++column) {
                P::Vec sum[ROWS][VECTORS] = {};
                for (int64_t k = 0; k < steps; ++k) {
                    const Bf16 *left = a + k * PARTS * PAIR + row * STEP, *right = b + k * PARTS * PAIR + column * TILE;
                    for (int n = FIRST_PRODUCT<PARTS>; n < 6; ++n)
                        for (int64_t t = 0; t < LANES; ++t)
                            add_pair(left + PRODUCTS[n][0] * PAIR + 2 * t, right + PRODUCTS[n][1] * PAIR + t * STEP, sum);
                    if (row == 0 && column == 0) aside();
                }
                for (int64_t r = 0; r < ROWS; ++r)
                    for (int64_t v = 0; v < VECTORS; ++v)
                        P{sum[r][v]}.store(c + (row + r) * BLOCK + column * LANES + v * P::SIZE);
            }
    }

  private:
    // sum += first x first + second x second, for a pair of inner indices.
    static MLMD_INLINE void add_pair(const Bf16 *x, const Bf16 *y, P::Vec (&sum)[ROWS][VECTORS]) {
        P::Vec first[VECTORS], second[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            const Bits pairs = *reinterpret_cast<const Bits *>(y + 2 * v * P::SIZE);
            first[v] = (P::Vec)(pairs << 16);
            second[v] = (P::Vec)(pairs & 0xffff0000u);
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r) {
            const float f = float_of(uint32_t(x[r * STEP]) << 16), s = float_of(uint32_t(x[r * STEP + 1]) << 16);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                sum[r][v] += f * first[v];
                sum[r][v] += s * second[v];
            }
        }
    }
};

}  // namespace MLMD_ISA
}  // namespace mlmd
