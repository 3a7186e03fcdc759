#include "binding.h"

namespace mlmd_binding {

static void density(const py::array &psi, const py::array &f, py::array n, int threads) {
    const mlmd_psi waves = wave_functions(psi);
    const double *occupations = read<double>(f, waves.norb, "f must be float64 of length norb");
    double *result = write<double>(n, psi.size() / waves.norb, "n must be writable float64 of the shape of the grid");
    run([&] { return mlmd_density(&waves, occupations, result, threads); });
}

static Binding binding([](py::module_ &m) { m.def("density", density); });

}  // namespace mlmd_binding
