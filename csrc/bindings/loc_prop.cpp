#include "binding.h"

namespace mlmd_binding {

static void loc_prop(py::array psi, const py::array &v, double dt, int threads) {
    const mlmd_psi waves = writable_wave_functions(psi);
    const double *potential = read<double>(v, psi.size() / waves.norb, "v must be float64 of the shape of the grid");
    run([&] { return mlmd_loc_prop(&waves, potential, dt, threads); });
}

static Binding binding([](py::module_ &m) { m.def("loc_prop", loc_prop); });

}  // namespace mlmd_binding
