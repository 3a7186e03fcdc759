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

// The levels are those of a slab: its own planes and those of the next level.
struct Slab {
    Slab(const py::object &levels, const py::array &low, const py::array &part) : grids(read_levels(levels)) {
        require(grids.size() == 2, "a slab has two levels");
        about = {grids.data(), read<int64_t>(low, grids[0].box.n[0], "low must be int64, one for each plane"),
                 read<double>(part, grids[0].box.n[0], "part must be float64, one for each plane")};
    }
    int64_t points(int level) const { return grids[level].box.n[0] * grids[level].box.n[1] * grids[level].box.n[2]; }
    std::vector<mlmd_level> grids;
    mlmd_slab about;
};

static void slab_down(const py::object &levels, const py::array &low, const py::array &part, const py::object &start,
                      const py::array &rhs, py::array v, py::array coarse, mlmd_launch launch) {
    const Slab slab(levels, low, part);
    const int64_t fine = slab.points(0);
    const char *what = "start, rhs and v must be float64 of the slab's shape";
    const double *from = start.is_none() ? nullptr : read<double>(start.cast<py::array>(), fine, what);
    const double *source = read<double>(rhs, fine, what);
    double *to = write<double>(v, fine, what);
    double *sums = write<double>(coarse, slab.points(1), "coarse must be float64 of the shape of the next level");
    run([&] { return mlmd_slab_down(&slab.about, from, source, to, sums, &launch); });
}

static void slab_up(const py::object &levels, const py::array &low, const py::array &part, const py::array &rhs,
                    const py::array &coarse, py::array v, mlmd_launch launch) {
    const Slab slab(levels, low, part);
    const char *what = "rhs and v must be float64 of the slab's shape";
    const double *source = read<double>(rhs, slab.points(0), what);
    const double *from = read<double>(coarse, slab.points(1), "coarse must be float64 of the shape of the next level");
    double *to = write<double>(v, slab.points(0), what);
    run([&] { return mlmd_slab_up(&slab.about, source, from, to, &launch); });
}

static Binding binding([](py::module_ &m) {
    m.def("multigrid", multigrid);
    m.def("slab_down", slab_down);
    m.def("slab_up", slab_up);
});

}  // namespace mlmd_binding
