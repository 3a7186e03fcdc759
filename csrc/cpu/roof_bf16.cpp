// Peak of bf16 products with FP32 sums: AMX tiles, or the dot products of AVX512-BF16.
//
// Compiled once, with the instruction sets named at the functions that need them and asked for at run time.
#include "common.h"

#ifdef MLMD_ENTRY

#if defined(MLMD_HAVE_v2) && defined(__linux__) && \
    ((defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11) || (defined(__clang__) && __clang_major__ >= 12))
#define MLMD_HAVE_BF16
#endif

#ifdef MLMD_HAVE_BF16
#include <immintrin.h>

namespace mlmd {
namespace {

// A variant forced below v4 goes without, so that the roofs are those of the variant.
bool has(Isa unit) { return chosen_isa() >= Isa::v4 && runs_here(unit); }

struct alignas(64) TileConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
    TileConfig() {
        for (int tile = 0; tile < 8; ++tile) row_bytes[tile] = 64, rows[tile] = 16;
    }
};

constexpr double TILE_FLOPS = 2.0 * 16 * 16 * 32;
constexpr uint16_t ONE = 0x3f80;  // 1.0 as bf16

__attribute__((target("amx-tile,amx-bf16"))) double tile_chains(int64_t rounds) {
    const TileConfig config;
    alignas(64) uint16_t ones[512];
    alignas(64) float sums[256];
    for (uint16_t &one : ones) one = ONE;
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, ones, 64);
    _tile_loadd(5, ones, 64);
    _tile_loadd(6, ones, 64);
    _tile_loadd(7, ones, 64);
    for (int64_t k = 0; k < rounds; ++k) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, 64);
    _tile_release();
    return sums[0];
}

constexpr int DOT_CHAINS = 12;
constexpr double DOT_FLOPS = 4.0 * 16;

__attribute__((target("avx512f,avx512bf16"))) double dot_chains(int64_t rounds) {
    const __m512bh one = (__m512bh)_mm512_set1_epi16(ONE);
    __m512 a0 = _mm512_setzero_ps(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
    __m512 a6 = a0, a7 = a0, a8 = a0, a9 = a0, a10 = a0, a11 = a0;
    for (int64_t k = 0; k < rounds; ++k) {
        // Volatile: twelve chains from the same start would be merged into one.
        asm volatile("" : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4), "+v"(a5));
        asm volatile("" : "+v"(a6), "+v"(a7), "+v"(a8), "+v"(a9), "+v"(a10), "+v"(a11));
        a0 = _mm512_dpbf16_ps(a0, one, one), a1 = _mm512_dpbf16_ps(a1, one, one);
        a2 = _mm512_dpbf16_ps(a2, one, one), a3 = _mm512_dpbf16_ps(a3, one, one);
        a4 = _mm512_dpbf16_ps(a4, one, one), a5 = _mm512_dpbf16_ps(a5, one, one);
        a6 = _mm512_dpbf16_ps(a6, one, one), a7 = _mm512_dpbf16_ps(a7, one, one);
        a8 = _mm512_dpbf16_ps(a8, one, one), a9 = _mm512_dpbf16_ps(a9, one, one);
        a10 = _mm512_dpbf16_ps(a10, one, one), a11 = _mm512_dpbf16_ps(a11, one, one);
    }
    const __m512 sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return static_cast<double>(sum[0]);
}

double run_chains(double (*work)(int64_t), double flops_each, int64_t rounds, int threads) {
    double sink = 0, flops = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sink, flops)
    {
        sink += work(rounds);
        flops += flops_each * static_cast<double>(rounds);
    }
    return sink > 0 ? flops : 0;
}

}  // namespace
}  // namespace mlmd
#endif

mlmd_status mlmd_bf16_peak(mlmd_bf16_unit unit, int64_t rounds, int threads, double *flops) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (rounds < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "rounds is below 1");
    if (!flops) return mlmd::fail(MLMD_BAD_ARGUMENT, "flops is null");
    if (unit != MLMD_BF16_TILES && unit != MLMD_BF16_DOT_PRODUCTS)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "there is no such bf16 unit");
#ifdef MLMD_HAVE_BF16
    if (unit == MLMD_BF16_TILES && mlmd::has(mlmd::Isa::amx)) {
        *flops = mlmd::run_chains(mlmd::tile_chains, 4 * mlmd::TILE_FLOPS, rounds, threads);
        return MLMD_OK;
    }
    if (unit == MLMD_BF16_DOT_PRODUCTS && mlmd::has(mlmd::Isa::v4bf16)) {
        *flops = mlmd::run_chains(mlmd::dot_chains, mlmd::DOT_CHAINS * mlmd::DOT_FLOPS, rounds, threads);
        return MLMD_OK;
    }
    return mlmd::fail(MLMD_UNSUPPORTED, unit == MLMD_BF16_TILES
                                            ? "no AMX tiles for bf16 (processor, system or MLMD_ISA)"
                                            : "no AVX512-BF16 (processor or MLMD_ISA)");
#else
    return mlmd::fail(MLMD_UNSUPPORTED, "bf16 units are not built for this system or by this compiler");
#endif
}
#endif
