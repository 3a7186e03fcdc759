// Products of blocks by AVX512-BF16: sums of two products in each lane.
#pragma once

#include "bf16.h"

#if defined(__AVX512F__) || defined(SYCL_LANGUAGE_VERSION)
namespace mlmd {
namespace MLMD_ISA {

struct Dot {
    static constexpr int64_t ROWS = 8;
    typedef float Sums __attribute__((vector_size(64)));
    typedef int32_t Pairs __attribute__((vector_size(64)));
    struct Session {
        MLMD_INLINE Session() {}
    };

    // No intrinsic: lambdas do not take over the target of the function around them, and a SYCL device has none.
    static MLMD_INLINE void add_pairs(Sums &sum, Pairs x, Pairs y) {
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
    }

    static MLMD_INLINE Pairs load(const Bf16 *from) {
        Pairs x;
        MLMD_MEMCPY(&x, from, sizeof x);
        return x;
    }

    // ROWS rows of the block.  A function of its own: what is inlined beside it would push the sums out of the registers.
    template <int PARTS>
    static MLMD_APART void strip(const Bf16 *a, const Bf16 *b, int64_t steps, float *c) {
        Sums sum[ROWS][2];
        MLMD_UNROLL
        for (int r = 0; r < ROWS; ++r) sum[r][0] = sum[r][1] = Sums{};
        for (int64_t k = 0; k < steps; ++k, a += PARTS * PAIR, b += PARTS * PAIR)
            for (int n = FIRST_PRODUCT<PARTS>; n < 6; ++n) {
                const Bf16 *x = a + PRODUCTS[n][0] * PAIR, *y = b + PRODUCTS[n][1] * PAIR;
                MLMD_NO_UNROLL
                for (int64_t t = 0; t < LANES; ++t, x += 2, y += STEP) {
                    const Pairs y0 = load(y), y1 = load(y + TILE);
                    MLMD_UNROLL
                    for (int r = 0; r < ROWS; ++r) {
                        int32_t two;
                        MLMD_MEMCPY(&two, x + r * STEP, sizeof two);
                        const Pairs both = two - Pairs{};
                        add_pairs(sum[r][0], both, y0);
                        add_pairs(sum[r][1], both, y1);
                    }
                }
            }
        MLMD_UNROLL
        for (int r = 0; r < ROWS; ++r) {
            MLMD_MEMCPY(c + r * BLOCK, &sum[r][0], sizeof(Sums));
            MLMD_MEMCPY(c + r * BLOCK + LANES, &sum[r][1], sizeof(Sums));
        }
    }

    template <int PARTS, class Aside>
    static MLMD_INLINE void multiply(const Bf16 *a, const Bf16 *b, int64_t steps, float *c, Aside &aside) {
        for (int64_t row = 0; row < BLOCK; row += ROWS) strip<PARTS>(a + row * STEP, b, steps, c + row * BLOCK);
        for (int64_t k = 0; k < steps; ++k) aside();
    }
};

}  // namespace MLMD_ISA
}  // namespace mlmd
#endif
