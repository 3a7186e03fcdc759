#include "edges.h"

namespace mlmd_binding {

static Work edge_coupling(int wanted, const py::array &begin, const py::array &row, const py::array &column, py::array v,
                          py::array a, py::array m, mlmd_launch launch) {
    require(v.ndim() == 2 && a.ndim() == 3 && m.ndim() == 3,
            "v must be (entries, channels), a (atoms, rows, channels), m (atoms, columns, channels)");
    const mlmd_real type = real_type(v, "v must be float32 or float64");
    const int64_t *first = read<int64_t>(begin, a.shape(0) + 1, "begin must be int64, one more than atoms");
    const mlmd_edges edges = {first, a.shape(0), a.shape(1), m.shape(1), v.shape(1), type};
    const mlmd_entries entries = {read<int32_t>(row, v.shape(0), "row must be int32, one for each entry"),
                                  read<int32_t>(column, v.shape(0), "column must be int32, one for each entry"),
                                  v.shape(0)};
    void *values = numbers(v, type, {entries.count, edges.channels}, wanted == 0);
    void *environments = numbers(a, type, {edges.atoms, edges.rows, edges.channels}, wanted == 1);
    void *matrices = numbers(m, type, {edges.atoms, edges.columns, edges.channels}, wanted == 2);
    const mlmd_factor which = factor(wanted);
    return [=] { return mlmd_edge_coupling(&edges, &entries, which, values, environments, matrices, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "edge_coupling", edge_coupling); });

}  // namespace mlmd_binding
