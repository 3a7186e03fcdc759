// Two tall and skinny complex products: overlaps Q^H psi, and sums Q factors.
//
// Grid points go in chunks that fit the first-level cache.  A tile of the result, some rows times a few registers of
// orbitals, stays in registers while the inner index runs: psi comes in whole registers, Q as two broadcast reals,
// whose two sums are put together only at the end.  Points are divided in as many parts as there are threads and the
// parts are summed in order, so that a result depends on the number of threads but not on their timing.
#pragma once

#include <algorithm>

#include "common.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t CHUNK = 64;  // grid points
#if defined(__AVX512F__)
constexpr int TILE_ROWS = 4;
#else
constexpr int TILE_ROWS = 2;
#endif
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
    for (int64_t t = 0; t < inner; ++t) {
        typename P::Vec x[PACKS];
#pragma GCC unroll 8
        for (int k = 0; k < PACKS; ++k) x[k] = P::load(b + t * b_step + k * P::SIZE).v;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r) {
            const T *q = a.data + 2 * (r * a.row_step + t * a.inner_step);
#pragma GCC unroll 8
            for (int k = 0; k < PACKS; ++k) {
                re[r][k] += q[0] * x[k];
                im[r][k] += q[1] * x[k];
            }
        }
    }
    const typename P::Vec i = P::alternate(CONJUGATE ? -1 : 1);
    for (int r = 0; r < ROWS; ++r)
        for (int k = 0; k < PACKS; ++k)
            P{re[r][k] + i * P{im[r][k]}.swapped().v}.store(tile + r * tile_step + k * P::SIZE);
}

// The whole product c (rows, packs) by tiles; b and c have whole registers in each row.
template <class T, bool CONJUGATE>
void multiply(Broadcast<T> a, const T *b, T *c, int64_t step, int64_t rows, int64_t inner) {
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

// Sizes of a call; a padded row of orbitals (reals) fills whole registers, a chunk is of grid points.
struct Sizes {
    int64_t points, norb, rank, padded, chunk;
};

template <class T>
Sizes sizes(const mlmd_psi &psi, int64_t rank, const mlmd_launch &launch) {
    constexpr int64_t SIZE = VECTOR_BYTES / sizeof(T);
    return {psi.n[0] * psi.n[1] * psi.n[2], psi.norb, rank, (2 * psi.norb + SIZE - 1) / SIZE * SIZE,
            launch.block ? launch.block : CHUNK};
}

// Adds Q^H psi of the points [begin, end) to overlaps (rank, padded); chunk and product are scratch.
template <class T, class U>
void project(const U *psi, const T *q, const Sizes &n, int64_t begin, int64_t end, T *chunk, T *product,
             double *overlaps) {
    const int64_t width = 2 * n.norb;
    for (int64_t p = begin; p < end; p += n.chunk) {
        const int64_t count = std::min(n.chunk, end - p);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t k = 0; k < width; ++k) chunk[j * n.padded + k] = static_cast<T>(psi[(p + j) * width + k]);
        multiply<T, true>({q + 2 * p * n.rank, 1, n.rank}, chunk, product, n.padded, n.rank, count);
        for (int64_t k = 0; k < n.rank * n.padded; ++k) overlaps[k] += product[k];
    }
}

// Room for a thread: a chunk of points, and a product.
inline int64_t room_of(const Sizes &n) { return n.chunk * n.padded + n.rank * n.padded; }

// overlaps (rank, padded) = Q^H psi; the array has room for as many as there are threads.
template <class T, class U>
void project_all(const U *psi, const T *q, const Sizes &n, double *overlaps, int threads) {
    const int64_t size = n.rank * n.padded, room = room_of(n);
    const Scratch<T> scratch(threads * room);
    std::fill_n(scratch.get(), threads * room, T(0));
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) {
        T *chunk = scratch.get() + part * room;
        std::fill_n(overlaps + part * size, size, 0.0);
        project<T, U>(psi, q, n, n.points * part / threads, n.points * (part + 1) / threads, chunk,
                      chunk + n.chunk * n.padded, overlaps + part * size);
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t k = 0; k < size; ++k)
        for (int64_t part = 1; part < threads; ++part) overlaps[k] += overlaps[part * size + k];
}

}  // namespace MLMD_ISA
}  // namespace mlmd
