#include "binding.h"

#include <cstdlib>
#include <new>

namespace mlmd_binding {

// Bytes on a cache line of their own, so that no tile of a packed matrix lies across two.
static py::array_t<uint8_t> cache_aligned(int64_t bytes) {
    void *data = std::aligned_alloc(64, (static_cast<size_t>(bytes) + 63) / 64 * 64);
    if (!data) throw std::bad_alloc();
    return py::array_t<uint8_t>(bytes, static_cast<uint8_t *>(data), py::capsule(data, std::free));
}

static py::array_t<uint8_t> nlp_pack(const py::array &q, int parts, int threads) {
    require(q.ndim() == 2, "Q must be (points, rank)");
    const auto *from = read<std::complex<float>>(q, q.size(), "Q must be complex64, C-contiguous");
    const int64_t points = q.shape(0), rank = q.shape(1), bytes = mlmd_nlp_pack_bytes(points, rank, parts);
    require(bytes > 0, "Q must not be empty, and parts must be 1, 2 or 3");
    py::array_t<uint8_t> packed = cache_aligned(bytes);
    void *to = packed.mutable_data();
    run([&] { return mlmd_nlp_pack(reinterpret_cast<const float *>(from), points, rank, parts, to, threads); });
    return packed;
}

static void nlp_prop(py::array psi, const py::array &q, const py::array &s, double dv, int parts, int threads) {
    const mlmd_psi waves = writable_wave_functions(psi);
    const int64_t points = psi.size() / waves.norb;
    require(s.ndim() == 2 && s.shape(0) == s.shape(1), "S must be (rank, rank)");
    const int64_t rank = s.shape(0);
    const auto *middle = read<std::complex<double>>(s, rank * rank, "S must be (rank, rank) complex128");
    mlmd_lowrank op = {q.data(), reinterpret_cast<const double *>(middle), rank, MLMD_COMPLEX64, dv, parts};
    if (parts) {
        read<uint8_t>(q, mlmd_nlp_pack_bytes(points, rank, parts), "Q must be packed by nlp_pack, for these sizes");
    } else {
        require(q.ndim() == 2 && contiguous(q) && q.shape(0) == points && q.shape(1) == rank, "Q must be (points, rank)");
        op.type = complex_type(q, "Q must be complex");
    }
    run([&] { return mlmd_nlp_prop(&waves, &op, threads); });
}

static Binding binding([](py::module_ &m) {
    m.def("nlp_pack", nlp_pack);
    m.def("nlp_prop", nlp_prop);
});

}  // namespace mlmd_binding
