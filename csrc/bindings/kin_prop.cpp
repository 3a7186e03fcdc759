#include <vector>

#include "binding.h"

namespace mlmd_binding {

static void kin_prop(py::array psi, const py::array &pairs, const py::array &angles, double phase,
                     const py::array &bonds, const py::object &v, const py::array &times, int steps, py::array work, int threads) {
    require(psi.writeable() && contiguous(psi) && psi.ndim() == 5, "psi must be (blocks, nx, ny, nz, orbitals), C-contiguous, writable");
    const mlmd_psi waves = {psi.mutable_data(), {psi.shape(1), psi.shape(2), psi.shape(3)}, psi.shape(4),
                            complex_type(psi, "psi must be complex")};
    require(pairs.ndim() == 2, "pairs must be a table");
    const py::ssize_t count = pairs.shape(0);
    const int32_t *p = read<int32_t>(pairs, 4 * count, "pairs must be (sweeps, 4) int32");
    const double *angle = read<double>(angles, count, "angles must be (sweeps,) float64");
    std::vector<mlmd_sweep> sweeps;
    for (py::ssize_t k = 0; k < count; ++k, p += 4) sweeps.push_back({p[0], p[1], p[2], p[3], angle[k]});
    const double *theta = read<double>(bonds, 3, "bonds must be 3 float64");
    const double *time = read<double>(times, 2, "times must be 2 float64");
    mlmd_kinetic how = {sweeps.data(), count, {theta[0], theta[1], theta[2]}, phase, nullptr, time[0], time[1], steps,
                        write<uint8_t>(work, work.size(), "work must be uint8"), work.size()};
    if (!v.is_none())
        how.v = read<double>(py::cast<py::array>(v), psi.shape(1) * psi.shape(2) * psi.shape(3), "v must be (nx, ny, nz) float64");
    run([&] { return mlmd_kin_prop(&waves, psi.shape(0), &how, threads); });
}

static Binding binding([](py::module_ &m) { m.def("kin_prop", kin_prop); });

}  // namespace mlmd_binding
