#include "binding.h"

#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include <pybind11/stl.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mlmd_binding {

// Memory in large pages, so that neither tiles nor their addresses are looked up twice.
class Block {
  public:
    explicit Block(int64_t wanted) {
        const size_t page = size_t(1) << 21, unit = wanted < int64_t(page) ? 64 : page;
        const size_t bytes = (static_cast<size_t>(wanted) + unit - 1) / unit * unit;
        data_.reset(std::aligned_alloc(unit, bytes));
        if (!data_) throw std::bad_alloc();
#if defined(__linux__)
        if (unit == page) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    }
    void *data() const { return data_.get(); }

  private:
    struct Free {
        void operator()(void *p) const { std::free(p); }
    };
    std::unique_ptr<void, Free> data_;
};

// Q in bf16 parts, and the working memory of the calls that use it, kept from one to the next.
class PackedQ {
  public:
    PackedQ(const std::complex<float> *q, int64_t points, int64_t rank, int parts, int threads)
        : points(points), rank(rank), parts(parts), packed_(mlmd_nlp_pack_bytes(points, rank, parts)) {
        run([&] {
            return mlmd_nlp_pack(reinterpret_cast<const float *>(q), points, rank, parts, packed_.data(), threads);
        });
    }

    // A second call at the same time goes without the kept memory.
    mlmd_status propagate(const mlmd_psi &psi, mlmd_lowrank op, const mlmd_launch &launch) {
        const std::unique_lock<std::mutex> mine(busy_, std::try_to_lock);
        op.q = packed_.data();
        if (mine.owns_lock()) {
            const int64_t bytes = mlmd_nlp_work_bytes(points, psi.norb, rank, parts, launch.threads);
            if (bytes > work_bytes_) {
                work_ = std::make_unique<Block>(bytes);
                work_bytes_ = bytes;
            }
            op.work = work_->data();
        }
        return mlmd_nlp_prop(&psi, &op, &launch);
    }

    const int64_t points, rank;
    const int parts;

  private:
    Block packed_;
    std::unique_ptr<Block> work_;
    int64_t work_bytes_ = 0;
    std::mutex busy_;
};

static std::unique_ptr<PackedQ> nlp_pack(const py::array &q, int parts, int threads) {
    require(q.ndim() == 2, "Q must be (points, rank)");
    const auto *from = read<std::complex<float>>(q, q.size(), "Q must be complex64, C-contiguous");
    require(mlmd_nlp_pack_bytes(q.shape(0), q.shape(1), parts) > 0, "Q must not be empty, and parts must be 1, 2 or 3");
    return std::make_unique<PackedQ>(from, q.shape(0), q.shape(1), parts, threads);
}

// Large products go through MKL where Python finds it.
static void offer_blas() {
    static bool offered = false;
    if (offered) return;
    offered = true;
    const auto found = py::module_::import("mlmd.backends.mkl").attr("addresses")().cast<std::vector<uintptr_t>>();
    if (found.size() != 3) return;
    const mlmd_blas blas = {reinterpret_cast<mlmd_gemm>(found[0]), reinterpret_cast<mlmd_gemm>(found[1]),
                            reinterpret_cast<int (*)(int)>(found[2])};
    raise_if_failed(mlmd_use_blas(&blas));
}

static Work nlp_prop(py::array psi, const py::object &q, const py::array &s, double dv, int parts,
                     mlmd_launch launch) {
    const mlmd_psi waves = writable_wave_functions(psi);
    const int64_t points = psi.size() / waves.norb;
    require(s.ndim() == 2 && s.shape(0) == s.shape(1), "S must be (rank, rank)");
    const int64_t rank = s.shape(0);
    const auto *middle = read<std::complex<double>>(s, rank * rank, "S must be (rank, rank) complex128");
    mlmd_lowrank op = {nullptr, reinterpret_cast<const double *>(middle), rank, MLMD_COMPLEX64, dv, parts, nullptr};
    if (parts) {
        PackedQ *packed = q.cast<PackedQ *>();
        require(packed && packed->points == points && packed->rank == rank && packed->parts == parts,
                "Q was packed for another number of points, rank or parts");
        return [=] { return packed->propagate(waves, op, launch); };
    }
    const py::array columns = q.cast<py::array>();
    require(columns.ndim() == 2 && contiguous(columns) && columns.shape(0) == points && columns.shape(1) == rank,
            "Q must be (points, rank)");
    op.type = complex_type(columns, "Q must be complex");
    op.q = columns.data();
    offer_blas();
    return [=] { return mlmd_nlp_prop(&waves, &op, &launch); };
}

static Binding binding([](py::module_ &m) {
    py::class_<PackedQ>(m, "PackedQ", "Q of the nonlocal propagator in bf16 parts.");
    m.def("nlp_pack", nlp_pack);
    add_kernel(m, "nlp_prop", nlp_prop);
});

}  // namespace mlmd_binding
