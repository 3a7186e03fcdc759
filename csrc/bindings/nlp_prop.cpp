#include "binding.h"

namespace mlmd_binding {

static void nlp_prop(py::array psi, const py::array &q, const py::array &s, double dv, int threads) {
    const mlmd_psi waves = writable_wave_functions(psi);
    require(q.ndim() == 2 && contiguous(q) && q.shape(0) * waves.norb == psi.size(), "Q must be (points, rank)");
    const py::ssize_t rank = q.shape(1);
    const auto *middle = read<std::complex<double>>(s, rank * rank, "S must be (rank, rank) complex128");
    const mlmd_lowrank op = {q.data(), reinterpret_cast<const double *>(middle), rank, complex_type(q, "Q must be complex"), dv};
    run([&] { return mlmd_nlp_prop(&waves, &op, threads); });
}

static Binding binding([](py::module_ &m) { m.def("nlp_prop", nlp_prop); });

}  // namespace mlmd_binding
