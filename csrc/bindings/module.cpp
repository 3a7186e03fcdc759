#include "binding.h"

PYBIND11_MODULE(_cpu, m) {
    m.doc() = "Raw kernels of the cpu backend; mlmd.kernels has the plans that check and call them.";
    m.def("isa", [] { return std::string(mlmd_isa()); }, "Instruction set of the running variant.");
    for (auto *binding = mlmd_binding::Binding::first(); binding; binding = binding->next) binding->add(m);
}
