#include "levels.h"

namespace mlmd_binding {

static py::tuple multigrid(py::array v, const py::array &rhs, const py::object &levels, double tol, int max_cycles,
                           mlmd_launch launch) {
    const std::vector<mlmd_level> grids = read_levels(levels);
    require_first_level(v, grids);
    double *solution = write<double>(v, v.size(), "v must be writable float64");
    const double *source = read<double>(rhs, v.size(), "rhs must be float64 of the shape of v");
    mlmd_convergence goal = {tol, max_cycles, 0, 0.0};
    run([&] { return mlmd_multigrid(solution, source, grids.data(), grids.size(), &goal, &launch); });
    return py::make_tuple(goal.cycles, goal.residual);
}

static Binding binding([](py::module_ &m) { m.def("multigrid", multigrid); });

}  // namespace mlmd_binding
