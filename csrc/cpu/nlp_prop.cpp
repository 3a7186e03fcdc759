// Nonlocal propagator: two tall and skinny complex products (lowrank.h) with a small one between them.
//
// Points are divided in as many parts as there are threads and the parts are summed in order, so that a result
// depends on the number of threads but not on their timing.
#include "blas.h"
#include "lowrank.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

// psi += Q factors for the points [begin, end), factors being (rank, padded).
template <class T, class U>
void expand(U *psi, const T *q, const T *factors, const Sizes &n, int64_t begin, int64_t end, T *chunk) {
    const int64_t width = 2 * n.norb;
    for (int64_t p = begin; p < end; p += n.chunk) {
        const int64_t count = std::min(n.chunk, end - p);
        multiply<T, false>({q + 2 * p * n.rank, n.rank, 1}, factors, chunk, n.padded, count, n.rank);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t k = 0; k < width; ++k) psi[(p + j) * width + k] += static_cast<U>(chunk[j * n.padded + k]);
    }
}

// factors = dv S overlaps, in double precision, then rounded to T.
template <class T>
void middle(const mlmd_lowrank &op, const double *overlaps, const Sizes &n, T *factors, int threads) {
    const Scratch<double> sums(threads * n.padded);
#pragma omp parallel num_threads(threads)
    {
        double *row = sums.get() + thread_index() * n.padded;
#pragma omp for schedule(static)
        for (int64_t r = 0; r < n.rank; ++r) {
            std::fill_n(row, n.padded, 0.0);
            for (int64_t t = 0; t < n.rank; ++t) {
                const double re = op.dv * op.s[2 * (r * n.rank + t)], im = op.dv * op.s[2 * (r * n.rank + t) + 1];
                const double *x = overlaps + t * n.padded;
                for (int64_t k = 0; k < n.padded; k += 2) {
                    row[k] += re * x[k] - im * x[k + 1];
                    row[k + 1] += re * x[k + 1] + im * x[k];
                }
            }
            for (int64_t k = 0; k < n.padded; ++k) factors[r * n.padded + k] = static_cast<T>(row[k]);
        }
    }
}

template <class T, class U>
void propagate(const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
    const Sizes n = sizes<T>(psi, op.rank, launch);
    const int threads = launch.threads;
    const int64_t size = n.rank * n.padded, room = n.chunk * n.padded;
    U *data = static_cast<U *>(psi.data);
    const T *q = static_cast<const T *>(op.q);
    const Scratch<double> overlaps(threads * size);
    const Scratch<T> factors(size), chunks(threads * room);
    project_all<T, U>(data, q, n, overlaps.get(), threads);
    middle<T>(op, overlaps.get(), n, factors.get(), threads);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part)
        expand<T, U>(data, q, factors.get(), n, n.points * part / threads, n.points * (part + 1) / threads,
                     chunks.get() + part * room);
}

}  // namespace

void nlp_prop(const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
    if (psi.type == MLMD_COMPLEX128)
        propagate<double, double>(psi, op, launch);
    else if (op.type == MLMD_COMPLEX128)
        propagate<double, float>(psi, op, launch);
    else
        propagate<float, float>(psi, op, launch);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(nlp_prop, const mlmd_psi &, const mlmd_lowrank &, const mlmd_launch &)
MLMD_DECLARE(nlp_bf16, const mlmd_psi &, const mlmd_lowrank &, const mlmd_launch &)

mlmd_status mlmd_nlp_prop(const mlmd_psi *psi, const mlmd_lowrank *op, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi)) return status;
    if (!op || !op->q || !op->s || op->rank < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "the operator is missing");
    if (op->type != MLMD_COMPLEX128 && (op->type != MLMD_COMPLEX64 || psi->type != MLMD_COMPLEX64))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the operator's type is unknown, or below that of psi");
    if (op->parts < 0 || op->parts > 3) return mlmd::fail(MLMD_BAD_ARGUMENT, "parts is not 0, 1, 2 or 3");
    if (op->parts && psi->type != MLMD_COMPLEX64)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "psi is not complex64, but Q is packed in bf16 parts");
    const mlmd::Isa isa = mlmd::isa_of(*launch);
    if (op->parts) MLMD_GUARDED(MLMD_PICK(isa, nlp_bf16)(*psi, *op, *launch))
    const mlmd_blas blas = mlmd::chosen_blas();
    if (mlmd::is_wanted(blas, *psi, *op, *launch)) MLMD_GUARDED(mlmd::nlp_blas(blas, *psi, *op, *launch))
    MLMD_GUARDED(MLMD_PICK(isa, nlp_prop)(*psi, *op, *launch))
}
#endif
