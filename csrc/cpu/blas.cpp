#include "blas.h"

#ifdef MLMD_ENTRY

#include <algorithm>
#include <mutex>

namespace mlmd {
namespace {

constexpr int64_t CHUNK = 8192;  // points whose overlaps are summed by the library at once
constexpr int64_t SMALLEST = 48; // orbitals and columns of Q from which on the library is the faster way
constexpr int OWN = 1, LIBRARY = 2;  // forms
constexpr int ROW_MAJOR = 101, PLAIN = 111, ADJOINT = 113;

mlmd_blas chosen = {nullptr, nullptr, nullptr};
std::mutex choosing;  // calls may come from several threads, and the first of each wants to choose

// The library works with one thread while this lives, in the thread that made it.
class OneThread {
  public:
    explicit OneThread(const mlmd_blas &library) : library_(library), before_(library.set_threads_local(1)) {}
    ~OneThread() { library_.set_threads_local(before_); }

  private:
    const mlmd_blas &library_;
    int before_;
};

// c (m, n) = a b + beta c, with the adjoint of a if wanted; all rows contiguous.
template <class T>
void multiply(const mlmd_blas &library, int kind, int64_t m, int64_t n, int64_t k, const T *a, const T *b, T beta,
              T *c) {
    const T one[2] = {1, 0}, factor[2] = {beta, 0};
    const mlmd_gemm gemm = sizeof(T) == sizeof(float) ? library.cgemm : library.zgemm;
    gemm(ROW_MAJOR, kind, PLAIN, m, n, k, one, a, kind == ADJOINT ? m : k, b, n, factor, c, n);
}

template <class T>
void propagate(const mlmd_blas &library, const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
    const int threads = launch.threads;
    const int64_t most = launch.block ? launch.block : CHUNK;
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], norb = psi.norb, rank = op.rank, size = 2 * rank * norb;
    T *data = static_cast<T *>(psi.data);
    const T *q = static_cast<const T *>(op.q);
    const MLMD_ISA::Scratch<T> sums(threads * size), chunks(threads * size), factors(size), s(2 * rank * rank);
#pragma omp parallel num_threads(threads)
    {
        const OneThread one(library);
#pragma omp for schedule(static, 1)
        for (int part = 0; part < threads; ++part) {
            T *sum = sums.get() + part * size, *chunk = chunks.get() + part * size;
            const int64_t begin = points * part / threads, end = points * (part + 1) / threads;
            if (begin == end) std::fill_n(sum, size, T(0));
            for (int64_t p = begin; p < end; p += most) {
                multiply<T>(library, ADJOINT, rank, norb, std::min(most, end - p), q + 2 * p * rank,
                            data + 2 * p * norb, 0, p == begin ? sum : chunk);
                for (int64_t k = 0; p > begin && k < size; ++k) sum[k] += chunk[k];
            }
        }
#pragma omp for schedule(static)
        for (int64_t k = 0; k < size; ++k) {
            double total = 0.0;
            for (int part = 0; part < threads; ++part) total += sums.get()[part * size + k];
            sums.get()[k] = static_cast<T>(op.dv * total);
        }
#pragma omp for schedule(static)
        for (int64_t k = 0; k < 2 * rank * rank; ++k) s.get()[k] = static_cast<T>(op.s[k]);
#pragma omp for schedule(static, 1)
        for (int part = 0; part < threads; ++part) {
            const int64_t r = rank * part / threads, rows = rank * (part + 1) / threads - r;
            if (rows)
                multiply<T>(library, PLAIN, rows, norb, rank, s.get() + 2 * r * rank, sums.get(), 0,
                            factors.get() + 2 * r * norb);
        }
#pragma omp for schedule(static, 1)
        for (int part = 0; part < threads; ++part) {
            const int64_t p = points * part / threads, count = points * (part + 1) / threads - p;
            if (count)
                multiply<T>(library, PLAIN, count, norb, rank, q + 2 * p * rank, factors.get(), 1, data + 2 * p * norb);
        }
    }
}

}  // namespace

mlmd_blas chosen_blas() {
    const std::lock_guard<std::mutex> lock(choosing);
    return chosen;
}

bool is_wanted(const mlmd_blas &library, const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
    if (!library.cgemm || psi.type != op.type || launch.form == OWN) return false;
    return launch.form == LIBRARY || std::min(psi.norb, op.rank) >= SMALLEST;
}

void nlp_blas(const mlmd_blas &library, const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
    if (psi.type == MLMD_COMPLEX128)
        propagate<double>(library, psi, op, launch);
    else
        propagate<float>(library, psi, op, launch);
}

}  // namespace mlmd

mlmd_status mlmd_use_blas(const mlmd_blas *blas) {
    if (blas && !(blas->cgemm && blas->zgemm && blas->set_threads_local))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "a function of the BLAS library is missing");
    const std::lock_guard<std::mutex> lock(mlmd::choosing);
    mlmd::chosen = blas ? *blas : mlmd_blas{nullptr, nullptr, nullptr};
    return MLMD_OK;
}

#endif
