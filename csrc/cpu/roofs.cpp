// Roofs of the machine: passes over memory, and chains of multiply-adds that never leave the registers.
#include "common.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

int team_size() {
#ifdef _OPENMP
    return omp_get_num_threads();
#else
    return 1;
#endif
}

// The share of thread `index` out of `count`, in whole cache lines of the array.
struct Share {
    int64_t begin, end;
    Share(int64_t size, int64_t index, int64_t count) {
        constexpr int64_t LINE = 16;
        const int64_t lines = (size + LINE - 1) / LINE;
        begin = lines * index / count * LINE;
        end = lines * (index + 1) / count * LINE;
        if (begin > size) begin = size;
        if (end > size) end = size;
    }
};

// Several partial sums at once: one chain of additions would wait for its own results.
template <class T>
MLMD_INLINE T sum_of(const T *a, Share s) {
    typedef Pack<T, VECTOR_BYTES> P;
    constexpr int64_t LANES = 8;
    P sums[LANES];
    for (P &sum : sums) sum = P::zero();
    int64_t i = s.begin;
    for (; i + LANES * P::SIZE <= s.end; i += LANES * P::SIZE)
        for (int64_t k = 0; k < LANES; ++k) sums[k] = sums[k] + P::load(a + i + k * P::SIZE);
    T total = 0;
    for (const P &sum : sums) total += sum.sum();
    for (; i < s.end; ++i) total += a[i];
    return total;
}

template <class T>
void pass_of(const mlmd_stream &work, int threads) {
    T *a = static_cast<T *>(work.a);
    const T *b = static_cast<const T *>(work.b), *c = static_cast<const T *>(work.c);
    const T factor = static_cast<T>(work.factor);
    double total = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
        const Share s(work.size, thread_index(), team_size());
        switch (work.pass) {
            case MLMD_PASS_FILL:
                for (int64_t i = s.begin; i < s.end; ++i) a[i] = factor;
                break;
            case MLMD_PASS_SCALE:
                for (int64_t i = s.begin; i < s.end; ++i) a[i] *= factor;
                break;
            case MLMD_PASS_READ:
                total += static_cast<double>(sum_of(b, s));
                break;
            case MLMD_PASS_TRIAD:
#pragma omp simd
                for (int64_t i = s.begin; i < s.end; ++i) a[i] = b[i] + factor * c[i];
                break;
        }
    }
    if (work.pass == MLMD_PASS_READ) *static_cast<T *>(work.a) = static_cast<T>(total);
}

// CHAINS independent multiply-adds hide the latency of each: 2 units x 4 or 5 cycles on the processors of today.
constexpr int CHAINS = 12;

template <class T>
T chains(int64_t rounds, T x, T y) {
    typedef Pack<T, VECTOR_BYTES> P;
    typedef typename P::Vec Vec;
    const Vec factor = P::splat(x), term = P::splat(y);
    Vec a0 = term, a1 = a0 + 1, a2 = a0 + 2, a3 = a0 + 3, a4 = a0 + 4, a5 = a0 + 5;
    Vec a6 = a0 + 6, a7 = a0 + 7, a8 = a0 + 8, a9 = a0 + 9, a10 = a0 + 10, a11 = a0 + 11;
    for (int64_t k = 0; k < rounds; ++k) {
        a0 = a0 * factor + term, a1 = a1 * factor + term, a2 = a2 * factor + term, a3 = a3 * factor + term;
        a4 = a4 * factor + term, a5 = a5 * factor + term, a6 = a6 * factor + term, a7 = a7 * factor + term;
        a8 = a8 * factor + term, a9 = a9 * factor + term, a10 = a10 * factor + term, a11 = a11 * factor + term;
    }
    return P{a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11}.sum();
}

template <class T>
double peak_of(int64_t rounds, int threads, double *sink) {
    double total = 0, flops = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total, flops)
    {
        total += static_cast<double>(chains<T>(rounds, T(0.5), T(0.25)));
        flops += 2.0 * CHAINS * Pack<T, VECTOR_BYTES>::SIZE * static_cast<double>(rounds);
    }
    *sink = total;
    return flops;
}

}  // namespace

void memory_pass(const mlmd_stream &work, int threads) {
    if (work.type == MLMD_FLOAT32)
        pass_of<float>(work, threads);
    else
        pass_of<double>(work, threads);
}

void fma_peak(bool single, int64_t rounds, int threads, double *flops, double *sink) {
    *flops = single ? peak_of<float>(rounds, threads, sink) : peak_of<double>(rounds, threads, sink);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(memory_pass, const mlmd_stream &, int)
MLMD_DECLARE(fma_peak, bool, int64_t, int, double *, double *)

mlmd_status mlmd_memory_pass(const mlmd_stream *work, int threads) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (!work || !work->a || work->size < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "the array is null or empty");
    if (work->type != MLMD_FLOAT32 && work->type != MLMD_FLOAT64)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the array has an unknown type");
    const bool reads = work->pass == MLMD_PASS_READ || work->pass == MLMD_PASS_TRIAD;
    if (work->pass < MLMD_PASS_FILL || work->pass > MLMD_PASS_TRIAD)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "there is no such pass over memory");
    if ((reads && !work->b) || (work->pass == MLMD_PASS_TRIAD && !work->c))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "an array to read is null");
    MLMD_GUARDED(MLMD_PICK(mlmd::chosen_isa(), memory_pass)(*work, threads))
}

mlmd_status mlmd_fma_peak(mlmd_real type, int64_t rounds, int threads, double *flops) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (rounds < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "rounds is below 1");
    if (!flops) return mlmd::fail(MLMD_BAD_ARGUMENT, "flops is null");
    if (type != MLMD_FLOAT32 && type != MLMD_FLOAT64) return mlmd::fail(MLMD_BAD_ARGUMENT, "unknown type");
    static thread_local double sink;
    MLMD_GUARDED(MLMD_PICK(mlmd::chosen_isa(), fma_peak)(type == MLMD_FLOAT32, rounds, threads, flops, &sink))
}
#endif
