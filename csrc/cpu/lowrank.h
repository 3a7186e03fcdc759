// Two tall and skinny complex products: overlaps Q^H psi, and sums Q factors.
//
// Grid points go in chunks that fit the first-level cache (mlmd/product_tiles.h).  Points are divided in as many parts as
// there are threads and the parts are summed in order, so that a result depends on the number of threads but not on their
// timing.
#pragma once

#include <algorithm>

#include "common.h"
#include "mlmd/product_tiles.h"

namespace mlmd {
namespace MLMD_ISA {

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
