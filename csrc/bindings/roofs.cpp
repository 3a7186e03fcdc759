#include "binding.h"

namespace mlmd_binding {

static mlmd_real real_type(const py::array &a) {
    if (py::isinstance<py::array_t<float>>(a)) return MLMD_FLOAT32;
    require(py::isinstance<py::array_t<double>>(a), "the array must be float32 or float64");
    return MLMD_FLOAT64;
}

static mlmd_stream stream(mlmd_pass pass, py::array &a) {
    require(a.writeable() && contiguous(a), "the array must be writable and C-contiguous");
    return {pass, real_type(a), a.mutable_data(), nullptr, nullptr, a.size(), 1.0};
}

static void fill(py::array a, double value, int threads) {
    mlmd_stream work = stream(MLMD_PASS_FILL, a);
    work.factor = value;
    run([&] { return mlmd_memory_pass(&work, threads); });
}

static void scale(py::array a, double factor, int threads) {
    mlmd_stream work = stream(MLMD_PASS_SCALE, a);
    work.factor = factor;
    run([&] { return mlmd_memory_pass(&work, threads); });
}

static double read_sum(const py::array &a, int threads) {
    require(contiguous(a), "the array must be C-contiguous");
    double sum[1] = {0};
    float single[1] = {0};
    const bool narrow = real_type(a) == MLMD_FLOAT32;
    void *result = narrow ? static_cast<void *>(single) : sum;
    const mlmd_stream work = {MLMD_PASS_READ, real_type(a), result, a.data(), nullptr, a.size(), 1.0};
    run([&] { return mlmd_memory_pass(&work, threads); });
    return narrow ? static_cast<double>(*single) : *sum;
}

static void triad(py::array a, const py::array &b, const py::array &c, double factor, int threads) {
    mlmd_stream work = stream(MLMD_PASS_TRIAD, a);
    for (const py::array &source : {b, c})
        require(contiguous(source) && real_type(source) == work.type && source.size() == work.size,
                "the arrays must be alike");
    work.b = b.data();
    work.c = c.data();
    work.factor = factor;
    run([&] { return mlmd_memory_pass(&work, threads); });
}

static double fma_peak(bool single, int64_t rounds, int threads) {
    double flops = 0;
    run([&] { return mlmd_fma_peak(single ? MLMD_FLOAT32 : MLMD_FLOAT64, rounds, threads, &flops); });
    return flops;
}

// The operations done and "", or 0 and why this unit cannot be used.
static py::tuple bf16_peak(bool tiles, int64_t rounds, int threads) {
    double flops = 0;
    mlmd_status status;
    {
        py::gil_scoped_release release;
        status = mlmd_bf16_peak(tiles ? MLMD_BF16_TILES : MLMD_BF16_DOT_PRODUCTS, rounds, threads, &flops);
    }
    if (status == MLMD_UNSUPPORTED) return py::make_tuple(0.0, std::string(mlmd_last_error()));
    raise_if_failed(status);
    return py::make_tuple(flops, "");
}

static Binding binding([](py::module_ &m) {
    m.def("roof_fill", fill);
    m.def("roof_scale", scale);
    m.def("roof_read", read_sum);
    m.def("roof_triad", triad);
    m.def("roof_fma", fma_peak);
    m.def("roof_bf16", bf16_peak);
});

}  // namespace mlmd_binding
