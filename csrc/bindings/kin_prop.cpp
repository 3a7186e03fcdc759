#include <vector>

#include "binding.h"

namespace mlmd_binding {

static void kin_prop(py::array psi, const py::array &pairs, const py::array &turns, const py::array &phase,
                     int threads) {
    const mlmd_psi waves = writable_wave_functions(psi);
    require(pairs.ndim() == 2 && turns.ndim() == 2, "pairs and turns must be tables");
    const py::ssize_t count = pairs.shape(0);
    const int32_t *p = read<int32_t>(pairs, 4 * count, "pairs must be (sweeps, 4) int32");
    const double *t = read<double>(turns, 4 * count, "turns must be (sweeps, 4) float64");
    const auto *g = read<std::complex<double>>(phase, 2, "phase must be 2 complex128");
    std::vector<mlmd_sweep> sweeps;
    for (py::ssize_t k = 0; k < count; ++k, p += 4, t += 4)
        sweeps.push_back({p[0], p[1], p[2], p[3], t[0], t[1], t[2], t[3]});
    const double parts[4] = {g[0].real(), g[0].imag(), g[1].real(), g[1].imag()};
    run([&] { return mlmd_kin_prop(&waves, sweeps.data(), count, parts, threads); });
}

static Binding binding([](py::module_ &m) { m.def("kin_prop", kin_prop); });

}  // namespace mlmd_binding
