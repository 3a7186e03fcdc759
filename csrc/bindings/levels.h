// The grids of a hierarchy, as kernels/multigrid.py has them.
#pragma once

#include <vector>

#include "binding.h"

namespace mlmd_binding {

// Takes the arrays of the class Levels there.
inline std::vector<mlmd_level> read_levels(const py::object &levels) {
    const py::array shapes = levels.attr("shapes"), spacings = levels.attr("spacings");
    const py::array weights = levels.attr("weights"), periodic = levels.attr("periodic");
    require(shapes.ndim() == 2 && shapes.shape(1) == 3, "levels.shapes must be (levels, 3)");
    const py::ssize_t count = shapes.shape(0);
    const int32_t *n = read<int32_t>(shapes, 3 * count, "levels.shapes must be (levels, 3) int32");
    const double *h = read<double>(spacings, 3 * count, "levels.spacings must be (levels, 3) float64");
    const double *w = read<double>(weights, 2 * count, "levels.weights must be (levels, 2) float64");
    const int32_t *wraps = read<int32_t>(periodic, 3, "levels.periodic must be 3 int32");
    std::vector<mlmd_level> made;
    for (py::ssize_t k = 0; k < count; ++k, n += 3, h += 3, w += 2)
        made.push_back({{{n[0], n[1], n[2]}, {h[0], h[1], h[2]}, {wraps[0], wraps[1], wraps[2]}}, {w[0], w[1]}});
    return made;
}

inline void require_first_level(const py::array &v, const std::vector<mlmd_level> &grids) {
    require(!grids.empty() && v.ndim() == 3, "v must have three axes and there must be a level");
    for (int axis = 0; axis < 3; ++axis)
        require(v.shape(axis) == grids[0].box.n[axis], "v must have the shape of the first level");
}

}  // namespace mlmd_binding
