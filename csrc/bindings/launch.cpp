#include <array>

#include "binding.h"

namespace mlmd_binding {

// What a name stands for is its place in the list.
template <size_t N>
static int32_t place(const std::array<const char *, N> &names, const std::string &name, const char *what) {
    for (size_t k = 0; k < N; ++k)
        if (name == names[k]) return static_cast<int32_t>(k);
    throw std::invalid_argument(std::string("mlmd._cpu: ") + what);
}

static mlmd_launch launch(int32_t threads, const std::string &isa, const std::string &schedule, int32_t block,
                          const std::string &form) {
    static const std::array<const char *, 6> levels = {"best", "v2", "v3", "v4", "v4bf16", "amx"};
    static const std::array<const char *, 2> schedules = {"static", "dynamic"};
    static const std::array<const char *, 3> forms = {"best", "own", "library"};
    return {threads, place(levels, isa, "isa is not the name of an instruction set"),
            place(schedules, schedule, "schedule must be static or dynamic"), block,
            place(forms, form, "form must be best, own or library")};
}

static Binding binding([](py::module_ &m) {
    py::class_<mlmd_launch>(m, "Launch", "How a kernel goes about its work; see mlmd_launch in mlmd_kernels.h.")
        .def(py::init([](int32_t threads) { return mlmd_launch{threads, 0, 0, 0, 0}; }))
        .def(py::init(&launch), py::arg("threads"), py::kw_only(), py::arg("isa") = "best",
             py::arg("schedule") = "static", py::arg("block") = 0, py::arg("form") = "best")
        .def_readonly("threads", &mlmd_launch::threads);
    py::implicitly_convertible<py::int_, mlmd_launch>();
    py::class_<Bound>(m, "Bound", "A kernel with its arguments, checked once.").def("__call__", [](const Bound &bound) {
        run(bound.work);
    });
});

}  // namespace mlmd_binding
