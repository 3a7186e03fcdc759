#include "binding.h"

namespace mlmd_binding {

static Work overlap(const py::array &psi0, const py::array &psi, double dv, py::array result,
                    mlmd_launch launch) {
    const mlmd_psi waves = wave_functions(psi);
    require(psi0.ndim() == 2 && contiguous(psi0) && psi0.shape(0) * waves.norb == psi.size(), "psi0 must be (points, K)");
    const int64_t rank = psi0.shape(1);
    auto *to = write<std::complex<double>>(result, rank * waves.norb, "the result must be (K, norb) complex128");
    const mlmd_lowrank op = {psi0.data(), nullptr, rank, complex_type(psi0, "psi0 must be complex"), dv, 0, nullptr};
    return [=] { return mlmd_overlap(&waves, &op, reinterpret_cast<double *>(to), &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "overlap", overlap); });

}  // namespace mlmd_binding
