#include "binding.h"

namespace mlmd_binding {

static Work density(const py::array &psi, const py::array &f, py::array n, mlmd_launch launch) {
    const mlmd_psi waves = wave_functions(psi);
    const double *occupations = read<double>(f, waves.norb, "f must be float64 of length norb");
    double *result = write<double>(n, psi.size() / waves.norb, "n must be writable float64 of the shape of the grid");
    return [=] { return mlmd_density(&waves, occupations, result, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "density", density); });

}  // namespace mlmd_binding
