#include "binding.h"

namespace mlmd_binding {

static Work loc_prop(py::array psi, const py::array &v, double dt, mlmd_launch launch) {
    const mlmd_psi waves = writable_wave_functions(psi);
    const double *potential = read<double>(v, psi.size() / waves.norb, "v must be float64 of the shape of the grid");
    return [=] { return mlmd_loc_prop(&waves, potential, dt, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "loc_prop", loc_prop); });

}  // namespace mlmd_binding
