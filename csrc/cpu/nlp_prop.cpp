// Nonlocal propagator: two tall and skinny complex products with a small one between them.
//
// Grid points go in chunks that fit the first-level cache.  A tile of the result, some rows times a few registers of
// orbitals, stays in registers while the inner index runs: psi comes in whole registers, Q as two broadcast reals,
// whose two sums are put together only at the end.  Points are divided in as many parts as there are threads and the
// parts are summed in order, so that a result depends on the number of threads but not on their timing.
#include <algorithm>

#include "blas.h"
#include "common.h"
#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t CHUNK = 64;
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

// Sizes of a call; a padded row of orbitals (reals) fills whole registers.
struct Sizes {
    int64_t points, norb, rank, padded;
};

// Adds Q^H psi of the points [begin, end) to overlaps (rank, padded); chunk and product are scratch.
template <class T, class U>
void project(const U *psi, const T *q, const Sizes &n, int64_t begin, int64_t end, T *chunk, T *product,
             double *overlaps) {
    const int64_t width = 2 * n.norb;
    for (int64_t p = begin; p < end; p += CHUNK) {
        const int64_t count = std::min(CHUNK, end - p);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t k = 0; k < width; ++k) chunk[j * n.padded + k] = static_cast<T>(psi[(p + j) * width + k]);
        multiply<T, true>({q + 2 * p * n.rank, 1, n.rank}, chunk, product, n.padded, n.rank, count);
        for (int64_t k = 0; k < n.rank * n.padded; ++k) overlaps[k] += product[k];
    }
}

// psi += Q factors for the points [begin, end), factors being (rank, padded).
template <class T, class U>
void expand(U *psi, const T *q, const T *factors, const Sizes &n, int64_t begin, int64_t end, T *chunk) {
    const int64_t width = 2 * n.norb;
    for (int64_t p = begin; p < end; p += CHUNK) {
        const int64_t count = std::min(CHUNK, end - p);
        multiply<T, false>({q + 2 * p * n.rank, n.rank, 1}, factors, chunk, n.padded, count, n.rank);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t k = 0; k < width; ++k) psi[(p + j) * width + k] += static_cast<U>(chunk[j * n.padded + k]);
    }
}

// factors = dv S (sum of the parts' overlaps), in double precision, then rounded to T.
template <class T>
void middle(const mlmd_lowrank &op, double *overlaps, int64_t parts, const Sizes &n, T *factors, double *row) {
    const int64_t size = n.rank * n.padded;
    for (int64_t part = 1; part < parts; ++part)
        for (int64_t k = 0; k < size; ++k) overlaps[k] += overlaps[part * size + k];
    for (int64_t r = 0; r < n.rank; ++r) {
        std::fill_n(row, n.padded, 0.0);
        for (int64_t t = 0; t < n.rank; ++t) {
            const double re = op.dv * op.s[2 * (r * n.rank + t)], im = op.dv * op.s[2 * (r * n.rank + t) + 1];
            const double *x = overlaps + t * n.padded;
            for (int64_t k = 0; k < n.padded; k += 2) {
                row[k] += re * x[k] - im * x[k + 1];
                row[k + 1] += re * x[k + 1] + im * x[k];
            }
        }
        for (int64_t k = 0; k < n.padded; ++k) factors[r * n.padded + k] = static_cast<T>(row[k]);
    }
}

template <class T, class U>
void propagate(const mlmd_psi &psi, const mlmd_lowrank &op, int threads) {
    constexpr int64_t SIZE = VECTOR_BYTES / sizeof(T);
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2];
    const Sizes n = {points, psi.norb, op.rank, (2 * psi.norb + SIZE - 1) / SIZE * SIZE};
    const int64_t size = n.rank * n.padded, room = CHUNK * n.padded + size;
    U *data = static_cast<U *>(psi.data);
    const T *q = static_cast<const T *>(op.q);
    Scratch<double> overlaps(threads * size), row(n.padded);
    Scratch<T> scratch(threads * room), factors(size);
    std::fill_n(overlaps.get(), threads * size, 0.0);
    std::fill_n(scratch.get(), threads * room, T(0));
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) {
        T *chunk = scratch.get() + part * room;
        project<T, U>(data, q, n, points * part / threads, points * (part + 1) / threads, chunk,
                      chunk + CHUNK * n.padded, overlaps.get() + part * size);
    }
    middle<T>(op, overlaps.get(), threads, n, factors.get(), row.get());
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part)
        expand<T, U>(data, q, factors.get(), n, points * part / threads, points * (part + 1) / threads,
                     scratch.get() + part * room);
}

}  // namespace

void nlp_prop(const mlmd_psi &psi, const mlmd_lowrank &op, int threads) {
    if (psi.type == MLMD_COMPLEX128)
        propagate<double, double>(psi, op, threads);
    else if (op.type == MLMD_COMPLEX128)
        propagate<double, float>(psi, op, threads);
    else
        propagate<float, float>(psi, op, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(nlp_prop, const mlmd_psi &, const mlmd_lowrank &, int)
MLMD_DECLARE(nlp_bf16, const mlmd_psi &, const mlmd_lowrank &, int)

mlmd_status mlmd_nlp_prop(const mlmd_psi *psi, const mlmd_lowrank *op, int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!op || !op->q || !op->s || op->rank < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "the operator is missing");
    if (op->type != MLMD_COMPLEX128 && (op->type != MLMD_COMPLEX64 || psi->type != MLMD_COMPLEX64))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the operator's type is unknown, or below that of psi");
    if (op->parts < 0 || op->parts > 3) return mlmd::fail(MLMD_BAD_ARGUMENT, "parts is not 0, 1, 2 or 3");
    if (op->parts && psi->type != MLMD_COMPLEX64)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "psi is not complex64, but Q is packed in bf16 parts");
    if (op->parts) MLMD_GUARDED(MLMD_PICK(nlp_bf16)(*psi, *op, threads))
    if (mlmd::blas_is_better(*psi, *op)) MLMD_GUARDED(mlmd::nlp_blas(*psi, *op, threads))
    MLMD_GUARDED(MLMD_PICK(nlp_prop)(*psi, *op, threads))
}
#endif
