// Nonlocal propagator in one type, in tasks: psi += Q F, F = S (Q^H psi dv), for orbitals that fill whole registers.
#include "items.h"

#include "mlmd/product_tiles.h"
#include "mlmd/widen.h"

namespace mlmd {
namespace device {

// overlaps (rank, norb) = Q^H psi of a share of the points; product is room for as many in the type of psi.
template <class T>
inline void project(const T *psi, const T *q, double *overlaps, T *product, int64_t begin, int64_t end, int64_t norb,
                    int64_t rank) {
    typedef Pack<double, VECTOR_BYTES> P;
    const int64_t width = 2 * norb;
    for (int64_t k = 0; k < rank * width; ++k) overlaps[k] = 0.0;
    for (int64_t p = begin; p < end; p += CHUNK) {
        const int64_t count = p + CHUNK < end ? CHUNK : end - p;
        multiply<T, true>({q + 2 * p * rank, 1, rank}, psi + p * width, product, width, rank, count);
        for (int64_t k = 0; k < rank * width; k += P::SIZE)
            (P::load(overlaps + k) + widened<P>(product + k)).store(overlaps + k);
    }
}

// psi += Q F of a share of the points; product is room for a chunk of them.
template <class T>
inline void expand(T *psi, const T *q, const T *factors, T *product, int64_t begin, int64_t end, int64_t norb,
                   int64_t rank) {
    typedef Pack<T, VECTOR_BYTES> P;
    const int64_t width = 2 * norb;
    for (int64_t p = begin; p < end; p += CHUNK) {
        const int64_t count = p + CHUNK < end ? CHUNK : end - p;
        multiply<T, false>({q + 2 * p * rank, rank, 1}, factors, product, width, count, rank);
        T *here = psi + p * width;
        for (int64_t k = 0; k < count * width; k += P::SIZE) (P::load(here + k) + P::load(product + k)).store(here + k);
    }
}

}  // namespace device
}  // namespace mlmd

#define MLMD_NLP_TASKS(T, name)                                                                                      \
    MLMD_KERNEL(1)                                                                                                   \
    project_##name(const T *psi, const T *q, double *overlaps, T *room, int64_t points, int64_t norb, int64_t rank,  \
                   int64_t tasks) {                                                                                  \
        const int64_t size = 2 * rank * norb;                                                                        \
        mlmd::device::project(psi, q, overlaps + task() * size, room + task() * size, points * task() / tasks,       \
                              points * (task() + 1) / tasks, norb, rank);                                            \
    }                                                                                                                \
    MLMD_KERNEL(1) overlaps_##name(const double *parts, T *to, int64_t size, int64_t tasks, double dv) {             \
        if (item() >= size) return;                                                                                  \
        double sum = 0.0;                                                                                            \
        for (int64_t k = 0; k < tasks; ++k) sum += parts[k * size + item()];                                         \
        to[item()] = static_cast<T>(dv * sum);                                                                       \
    }                                                                                                                \
    MLMD_KERNEL(1)                                                                                                   \
    expand_##name(T *psi, const T *q, const T *factors, T *room, int64_t points, int64_t norb, int64_t rank,         \
                  int64_t tasks) {                                                                                   \
        mlmd::device::expand(psi, q, factors, room + task() * 2 * mlmd::device::CHUNK * norb,                        \
                             points * task() / tasks, points * (task() + 1) / tasks, norb, rank);                    \
    }

MLMD_NLP_TASKS(float, f32)
MLMD_NLP_TASKS(double, f64)
