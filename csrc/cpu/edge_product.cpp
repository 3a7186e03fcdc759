// Products of the features of edges with a matrix of their centre, one for each channel, atom by atom: its matrix stays
// in the cache while the edges pass.
#include <algorithm>

#include "edges.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

// A matrix [row][column][channel], or its transpose.
struct Steps {
    int64_t inner, outer, row, column;  // components summed over, and of the result; steps of the matrix
};

// out[z][c] = sum_r in[z][r] m[r][c] for the edges of an atom, a register of channels.
template <class P, class T>
MLMD_INLINE void multiply(const T *in, const T *m, T *out, int64_t edges, int64_t channels, const Steps &n) {
    for (int64_t z = 0; z < edges; ++z)
        in_tiles(n.outer, [&](auto tile, int64_t first) MLMD_LAMBDA {
            constexpr int N = decltype(tile)::value;
            const T *a = in + z * n.inner * channels, *b = m + first * n.column;
            T *to = out + (z * n.outer + first) * channels;
            P sums[N];
            for (int c = 0; c < N; ++c) sums[c] = P::zero();
            for (int64_t r = 0; r < n.inner; ++r) {
                const P x = P::load(a + r * channels);
                MLMD_UNROLL
                for (int c = 0; c < N; ++c) sums[c] = fused(x.v, P::load(b + r * n.row + c * n.column), sums[c]);
            }
            MLMD_UNROLL
            for (int c = 0; c < N; ++c) sums[c].store(to + c * channels);
        });
}

// m[r][c] = sum_z x[z][r] y[z][c]
template <class P, class T>
MLMD_INLINE void add_up(const T *x, T *m, const T *y, int64_t edges, const mlmd_edges &n) {
    for (int64_t r = 0; r < n.rows; ++r)
        in_tiles(n.columns, [&](auto tile, int64_t first) MLMD_LAMBDA {
            constexpr int N = decltype(tile)::value;
            P sums[N];
            for (int c = 0; c < N; ++c) sums[c] = P::zero();
            for (int64_t z = 0; z < edges; ++z) {
                const P a = P::load(x + (z * n.rows + r) * n.channels);
                const T *b = y + (z * n.columns + first) * n.channels;
                MLMD_UNROLL
                for (int c = 0; c < N; ++c) sums[c] = fused(a.v, P::load(b + c * n.channels), sums[c]);
            }
            MLMD_UNROLL
            for (int c = 0; c < N; ++c) sums[c].store(m + (r * n.columns + first + c) * n.channels);
        });
}

template <class P, class T>
void gradient(const mlmd_edges &n, mlmd_factor wanted, T *x, T *m, T *y, const mlmd_launch &launch) {
    const Steps forth = {n.rows, n.columns, n.columns * n.channels, n.channels};
    const Steps back = {n.columns, n.rows, n.channels, n.columns * n.channels};
    each_atom(n, launch, [&](int64_t atom) {
        const int64_t edges = n.begin[atom + 1] - n.begin[atom];
        for (int64_t u = 0; u < n.channels; u += P::SIZE) {
            T *left = x + n.begin[atom] * n.rows * n.channels + u, *right = y + n.begin[atom] * n.columns * n.channels + u;
            T *matrix = m + atom * n.rows * n.columns * n.channels + u;
            if (wanted == MLMD_THIRD)
                multiply<P>(left, matrix, right, edges, n.channels, forth);
            else if (wanted == MLMD_FIRST)
                multiply<P>(right, matrix, left, edges, n.channels, back);
            else
                add_up<P>(left, matrix, right, edges, n);
        }
    });
}

}  // namespace

void edge_product(const mlmd_edges &edges, mlmd_factor wanted, void *x, void *m, void *y, const mlmd_launch &launch) {
    with_numbers(edges, [&](auto tag, auto zero) {
        typedef decltype(zero) T;
        gradient<decltype(tag)>(edges, wanted, static_cast<T *>(x), static_cast<T *>(m), static_cast<T *>(y), launch);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(edge_product, const mlmd_edges &, mlmd_factor, void *, void *, void *, const mlmd_launch &)

mlmd_status mlmd_edge_product(const mlmd_edges *edges, mlmd_factor wanted, void *x, void *m, void *y,
                              const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(edges)) return status;
    if (!x || !m || !y) return mlmd::fail(MLMD_BAD_ARGUMENT, "x, m or y is null");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), edge_product)(*edges, wanted, x, m, y, *launch))
}
#endif
