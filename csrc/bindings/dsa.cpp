#include "levels.h"

namespace mlmd_binding {

static void dsa(py::array v, py::array motion, const py::array &rhs, const py::object &levels, const py::array &keep,
                const py::array &gain, mlmd_launch launch) {
    const std::vector<mlmd_level> grids = read_levels(levels);
    require_first_level(v, grids);
    double *position = write<double>(v, v.size(), "v must be writable float64");
    double *speed = write<double>(motion, v.size(), "motion must be writable float64 of the shape of v");
    const double *source = read<double>(rhs, v.size(), "rhs must be float64 of the shape of v");
    const double *kept = read<double>(keep, keep.size(), "keep must be float64");
    const double *gained = read<double>(gain, keep.size(), "gain must be float64 of the length of keep");
    const mlmd_friction friction = {kept, gained, static_cast<int32_t>(keep.size())};
    run([&] { return mlmd_dsa(position, speed, source, grids.data(), grids.size(), &friction, &launch); });
}

static Binding binding([](py::module_ &m) { m.def("dsa", dsa); });

}  // namespace mlmd_binding
