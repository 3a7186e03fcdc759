#include "binding.h"

namespace mlmd_binding {

// Zeros as an array that frees its memory with its last view.
static py::array_t<uint8_t> zeros(int64_t bytes, int threads) {
    void *memory = nullptr;
    run([&] { return mlmd_zeros(bytes, threads, &memory); });
    const py::capsule owner(memory, mlmd_free);
    return py::array_t<uint8_t>(bytes, static_cast<uint8_t *>(memory), owner);
}

static Binding binding([](py::module_ &m) { m.def("zeros", zeros); });

}  // namespace mlmd_binding
