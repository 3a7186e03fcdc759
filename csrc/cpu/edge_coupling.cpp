// Matrices of the centres from their environments and a list of Clebsch-Gordan coefficients: sparse, atom by atom.
#include <algorithm>

#include "edges.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t RUN = 64;  // atoms whose products are summed before they are added to the rest: for the rounding

template <class P, class T>
void matrices(const mlmd_edges &n, const mlmd_entries &entries, const T *v, const T *a, T *m) {
    for (int64_t u = 0; u < n.channels; u += P::SIZE)
        for (int64_t c = 0, e = 0; c < n.columns; ++c) {
            P sum = P::zero();
            for (; e < entries.count && entries.column[e] == c; ++e)
                sum = fused(P::load(v + e * n.channels + u).v, P::load(a + entries.row[e] * n.channels + u), sum);
            sum.store(m + c * n.channels + u);
        }
}

template <class P, class T>
void environments(const mlmd_edges &n, const mlmd_entries &entries, const T *v, T *a, const T *m) {
    std::fill_n(a, n.rows * n.channels, T(0));
    for (int64_t e = 0; e < entries.count; ++e)
        for (int64_t u = 0; u < n.channels; u += P::SIZE) {
            T *to = a + entries.row[e] * n.channels + u;
            fused(P::load(v + e * n.channels + u).v, P::load(m + entries.column[e] * n.channels + u), P::load(to)).store(to);
        }
}

template <class P, class T>
void values(const mlmd_edges &n, const mlmd_entries &entries, int64_t e, T *v, const T *a, const T *m) {
    for (int64_t u = 0; u < n.channels; u += P::SIZE) {
        P sum = P::zero();
        for (int64_t first = 0; first < n.atoms; first += RUN) {
            P part = P::zero();
            for (int64_t atom = first; atom < std::min(first + RUN, n.atoms); ++atom)
                part = fused(P::load(a + (atom * n.rows + entries.row[e]) * n.channels + u).v,
                             P::load(m + (atom * n.columns + entries.column[e]) * n.channels + u), part);
            sum = sum + part;
        }
        sum.store(v + e * n.channels + u);
    }
}

template <class P, class T>
void gradient(const mlmd_edges &n, const mlmd_entries &entries, mlmd_factor wanted, T *v, T *a, T *m,
              const mlmd_launch &launch) {
    if (wanted == MLMD_FIRST)
        return each_item(launch, entries.count, [&](int64_t e) { values<P, T>(n, entries, e, v, a, m); });
    each_atom(n, launch, [&](int64_t atom) {
        T *environment = a + atom * n.rows * n.channels, *matrix = m + atom * n.columns * n.channels;
        if (wanted == MLMD_SECOND)
            environments<P, T>(n, entries, v, environment, matrix);
        else
            matrices<P, T>(n, entries, v, environment, matrix);
    });
}

}  // namespace

void edge_coupling(const mlmd_edges &edges, const mlmd_entries &entries, mlmd_factor wanted, void *v, void *a, void *m,
                   const mlmd_launch &launch) {
    with_numbers(edges, [&](auto tag, auto zero) {
        typedef decltype(zero) T;
        gradient<decltype(tag), T>(edges, entries, wanted, static_cast<T *>(v), static_cast<T *>(a),
                                   static_cast<T *>(m), launch);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(edge_coupling, const mlmd_edges &, const mlmd_entries &, mlmd_factor, void *, void *, void *,
             const mlmd_launch &)

static bool fit(const mlmd_edges &edges, const mlmd_entries &entries) {
    for (int64_t e = 0; e < entries.count; ++e) {
        const int32_t row = entries.row[e], column = entries.column[e];
        if (row < 0 || row >= edges.rows || column < 0 || column >= edges.columns) return false;
        if (e > 0 && entries.column[e - 1] > column) return false;
    }
    return true;
}

mlmd_status mlmd_edge_coupling(const mlmd_edges *edges, const mlmd_entries *entries, mlmd_factor wanted, void *v,
                               void *a, void *m, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(edges)) return status;
    if (!entries || entries->count < 0 || (entries->count > 0 && (!entries->row || !entries->column)) || !v || !a || !m)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "entries, v, a or m is null");
    if (!fit(*edges, *entries))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "an entry has no such row or column, or comes before one of a smaller column");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), edge_coupling)(*edges, *entries, wanted, v, a, m, *launch))
}
#endif
