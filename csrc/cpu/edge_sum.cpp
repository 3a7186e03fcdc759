// Weighted sums of the basis functions of edges over the edges of a centre, a weight for each group of functions.
#include <algorithm>

#include "edges.h"
#include "mlmd/widen.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

// The three factors at the first edge of an atom.
template <class T>
struct Factors {
    T *x, *w, *a;
};

// a[row] = sum_z x[z][row] w[z][column(row)] for `N` rows of one group.
template <class P, int N, class T>
MLMD_INLINE void sum_edges(const mlmd_edges &n, const Factors<T> &f, int64_t edges, int64_t row, int64_t column) {
    P sums[N];
    for (int k = 0; k < N; ++k) sums[k] = P::zero();
    for (int64_t z = 0; z < edges; ++z) {
        const P weight = P::load(f.w + (z * n.columns + column) * n.channels);
        MLMD_UNROLL
        for (int k = 0; k < N; ++k) sums[k] = fused(f.x[z * n.rows + row + k], weight, sums[k]);
    }
    MLMD_UNROLL
    for (int k = 0; k < N; ++k) sums[k].store(f.a + (row + k) * n.channels);
}

template <class P, class T>
void sums(const mlmd_edges &n, const int32_t *group, const Factors<T> &f, int64_t edges) {
    for (int64_t u = 0; u < n.channels; u += P::SIZE)
        for (int64_t c = 0; c < n.columns; ++c)
            in_tiles(group[c + 1] - group[c], [&](auto tile, int64_t first) MLMD_LAMBDA {
                sum_edges<P, decltype(tile)::value, T>(n, {f.x, f.w + u, f.a + u}, edges, group[c] + first, c);
            });
}

template <class P, class T>
void weights(const mlmd_edges &n, const int32_t *group, const Factors<T> &f, int64_t edges) {
    for (int64_t z = 0; z < edges; ++z)
        for (int64_t c = 0; c < n.columns; ++c)
            for (int64_t u = 0; u < n.channels; u += P::SIZE) {
                P sum = P::zero();
                for (int64_t row = group[c]; row < group[c + 1]; ++row)
                    sum = fused(f.x[z * n.rows + row], P::load(f.a + row * n.channels + u), sum);
                sum.store(f.w + (z * n.columns + c) * n.channels + u);
            }
}

template <class P, class T>
void basis(const mlmd_edges &n, const int32_t *group, const Factors<T> &f, int64_t edges) {
    for (int64_t z = 0; z < edges; ++z)
        for (int64_t c = 0; c < n.columns; ++c)
            for (int64_t row = group[c]; row < group[c + 1]; ++row) {
                P sum = P::zero();
                for (int64_t u = 0; u < n.channels; u += P::SIZE)
                    sum = fused(P::load(f.w + (z * n.columns + c) * n.channels + u).v,
                                P::load(f.a + row * n.channels + u), sum);
                f.x[z * n.rows + row] = static_cast<T>(total(sum));
            }
}

template <class P, class T>
void gradient(const mlmd_edges &n, const int32_t *group, mlmd_factor wanted, const Factors<T> &all,
              const mlmd_launch &launch) {
    each_atom(n, launch, [&](int64_t atom) {
        const int64_t first = n.begin[atom], edges = n.begin[atom + 1] - first;
        const Factors<T> f = {all.x + first * n.rows, all.w + first * n.columns * n.channels,
                              all.a + atom * n.rows * n.channels};
        (wanted == MLMD_FIRST ? basis<P, T> : wanted == MLMD_SECOND ? weights<P, T> : sums<P, T>)(n, group, f, edges);
    });
}

}  // namespace

void edge_sum(const mlmd_edges &edges, const int32_t *group, mlmd_factor wanted, void *x, void *w, void *a,
              const mlmd_launch &launch) {
    with_numbers(edges, [&](auto tag, auto zero) {
        typedef decltype(zero) T;
        const Factors<T> all = {static_cast<T *>(x), static_cast<T *>(w), static_cast<T *>(a)};
        gradient<decltype(tag), T>(edges, group, wanted, all, launch);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(edge_sum, const mlmd_edges &, const int32_t *, mlmd_factor, void *, void *, void *, const mlmd_launch &)

mlmd_status mlmd_edge_sum(const mlmd_edges *edges, const int32_t *group, mlmd_factor wanted, void *x, void *w, void *a,
                          const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(edges)) return status;
    if (!group || !x || !w || !a) return mlmd::fail(MLMD_BAD_ARGUMENT, "group, x, w or a is null");
    for (int64_t c = 0; c < edges->columns; ++c)
        if (group[0] != 0 || group[c] > group[c + 1] || group[edges->columns] != edges->rows)
            return mlmd::fail(MLMD_BAD_ARGUMENT, "the groups do not divide the rows");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), edge_sum)(*edges, group, wanted, x, w, a, *launch))
}
#endif
