#include "binding.h"

PYBIND11_MODULE(_cpu, m) {
    m.doc() = "Raw kernels of the cpu backend; mlmd.kernels has the plans that check and call them.";
    m.attr("ABI_VERSION") = MLMD_ABI_VERSION;
    m.def("device", [] { return std::string(mlmd_device()); }, "The processor and the instruction set in use.");
    m.def(
        "build_id",
        [](const std::string &kernel) {
            const char *id = mlmd_build_id(kernel.c_str());
            if (!id) throw pybind11::key_error("no kernel " + kernel);
            return std::string(id);
        },
        "What a kernel was built from and how, as a number in hexadecimal digits.");
    m.def("isa", [] { return std::string(mlmd_isa()); }, "Instruction set of the running variant.");
    for (auto *binding = mlmd_binding::Binding::first(); binding; binding = binding->next) binding->add(m);
}
