// What the nonlocal propagator does between its matrix products: a work item for each real number.
#pragma once

#include "bf16_split.h"
#include "rotation.h"

namespace mlmd {
namespace MLMD_ISA {

// bf16 parts of x, the largest first, each an array of its own.
MLMD_INLINE void split(const float *x, float *parts, int64_t size, int count, int64_t i) {
    float rest = x[i];
    for (int part = 0; part < count; ++part) parts[part * size + i] = float_of(take_bf16(rest));
}

// to <- re x + beta to for a real part, im x + beta to for an imaginary one; `to` is not read where beta is zero.
template <class To, class From>
MLMD_INLINE void combine(To *to, const From *x, double re, double im, double beta, int64_t i) {
    typedef decltype(To() + From()) Wide;
    const Wide value = Wide(i % 2 ? im : re) * Wide(x[i]);
    to[i] = To(beta == 0.0 ? value : value + Wide(beta) * Wide(to[i]));
}

// An element of S = diag(exp(-i angle sigma) - 1), angle = factor a[0].
MLMD_INLINE void diagonal_phase(Complex<double> *S, const double *sigma, const double *a, double factor, int64_t rank,
                                int64_t i) {
    const int64_t k = i / rank;
    Complex<double> value = {0.0, 0.0};
    if (k == i % rank) {
        const double angle = factor * a[0] * sigma[k], sine = MLMD_SIN(0.5 * angle);
        value = {-2.0 * sine * sine, -MLMD_SIN(angle)};
    }
    S[i] = value;
}

}  // namespace MLMD_ISA
}  // namespace mlmd

MLMD_KERNEL(1) split(const float *x, float *parts, int64_t size, int count) {
    if (item() < size) mlmd::device::split(x, parts, size, count, item());
}

MLMD_KERNEL(1)
diagonal_phases(double *S, const double *sigma, const double *a, double factor, int64_t rank) {
    if (item() < rank * rank)
        mlmd::device::diagonal_phase(reinterpret_cast<mlmd::Complex<double> *>(S), sigma, a, factor, rank, item());
}

#define MLMD_COMBINE(To, From, name)                                                                            \
    MLMD_KERNEL(1)                                                                                              \
    combine_##name(To *to, const From *x, double re, double im, double beta, int64_t size) {                    \
        if (item() < size) mlmd::device::combine(to, x, re, im, beta, item());                                  \
    }

MLMD_COMBINE(float, float, f32_f32)
MLMD_COMBINE(float, double, f32_f64)
MLMD_COMBINE(double, float, f64_f32)
MLMD_COMBINE(double, double, f64_f64)
