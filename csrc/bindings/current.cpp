#include <pybind11/stl.h>

#include <optional>

#include "binding.h"

namespace mlmd_binding {

static Work current(const py::array &psi, const py::array &f, const py::array &periodic, double dv,
                    std::optional<py::array> density, py::array totals, mlmd_launch launch) {
    const mlmd_psi waves = wave_functions(psi);
    const double *occupations = read<double>(f, waves.norb, "f must be float64 of length norb");
    const int32_t *wraps = read<int32_t>(periodic, 3, "periodic must be 3 int32");
    auto *sums = write<std::complex<double>>(totals, 4, "totals must be 4 writable complex128");
    double *n = nullptr;
    if (density)
        n = write<double>(*density, psi.size() / waves.norb, "n must be writable float64 of the shape of the grid");
    return [=] {
        return mlmd_current(&waves, occupations, wraps, dv, n, reinterpret_cast<double *>(sums), &launch);
    };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "current", current); });

}  // namespace mlmd_binding
