#include "edges.h"

namespace mlmd_binding {

static Work edge_sum(int wanted, const py::array &begin, const py::array &group, py::array x, py::array w, py::array a,
                     mlmd_launch launch) {
    require(x.ndim() == 2 && w.ndim() == 3, "x must be (edges, rows), w (edges, groups, channels)");
    const mlmd_real type = real_type(x, "x must be float32 or float64");
    const mlmd_edges edges = edge_list(begin, x.shape(0), x.shape(1), w.shape(1), w.shape(2), type);
    const int32_t *groups = read<int32_t>(group, edges.columns + 1, "group must be int32, one more than groups");
    void *basis = numbers(x, type, {x.shape(0), edges.rows}, wanted == 0);
    void *weights = numbers(w, type, {x.shape(0), edges.columns, edges.channels}, wanted == 1);
    void *sums = numbers(a, type, {edges.atoms, edges.rows, edges.channels}, wanted == 2);
    const mlmd_factor which = factor(wanted);
    return [=] { return mlmd_edge_sum(&edges, groups, which, basis, weights, sums, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "edge_sum", edge_sum); });

}  // namespace mlmd_binding
