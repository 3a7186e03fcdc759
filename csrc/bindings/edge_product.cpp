#include "edges.h"

namespace mlmd_binding {

static Work edge_product(int wanted, const py::array &begin, py::array x, py::array m, py::array y, mlmd_launch launch) {
    require(x.ndim() == 3 && m.ndim() == 4, "x must be (edges, rows, channels), m (atoms, rows, columns, channels)");
    const mlmd_real type = real_type(x, "x must be float32 or float64");
    const mlmd_edges edges = edge_list(begin, x.shape(0), x.shape(1), m.shape(2), x.shape(2), type);
    void *left = numbers(x, type, {x.shape(0), edges.rows, edges.channels}, wanted == 0);
    void *matrix = numbers(m, type, {edges.atoms, edges.rows, edges.columns, edges.channels}, wanted == 1);
    void *right = numbers(y, type, {x.shape(0), edges.columns, edges.channels}, wanted == 2);
    const mlmd_factor which = factor(wanted);
    return [=] { return mlmd_edge_product(&edges, which, left, matrix, right, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "edge_product", edge_product); });

}  // namespace mlmd_binding
