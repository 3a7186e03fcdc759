#include "binding.h"

namespace mlmd_binding {

static void dsa(py::array v, py::array velocity, const py::array &rhs, const py::array &spacing,
                const py::array &periodic, double step, double damping, int sweeps, int threads) {
    const mlmd_box made = box(v, spacing, periodic);
    double *position = write<double>(v, v.size(), "v must be writable float64");
    double *rate = write<double>(velocity, v.size(), "velocity must be writable float64 of the shape of v");
    const double *source = read<double>(rhs, v.size(), "rhs must be float64 of the shape of v");
    const mlmd_leapfrog how = {step, damping, sweeps};
    run([&] { return mlmd_dsa(position, rate, source, &made, &how, threads); });
}

static Binding binding([](py::module_ &m) { m.def("dsa", dsa); });

}  // namespace mlmd_binding
