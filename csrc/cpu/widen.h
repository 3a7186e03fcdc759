// Sums over wave functions of either precision in double precision.
#pragma once

#include "common.h"
#include "mlmd/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlmd {
namespace MLMD_ISA {

// As many reals as a register P holds in double precision, converted if need be.
template <class P, class T>
MLMD_INLINE P widened(const T *p) {
    if constexpr (sizeof(T) == sizeof(double)) {
        return P::load(p);
#if defined(__AVX512F__)
    } else if constexpr (sizeof(P) == 64) {  // compilers convert half a register at a time and join the halves
        return {reinterpret_cast<typename P::Vec>(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p)))};
#endif
    } else {
        typedef float Half __attribute__((vector_size(P::SIZE * sizeof(float)), aligned(sizeof(float)), may_alias));
        return {__builtin_convertvector(*reinterpret_cast<const Half *>(p), typename P::Vec)};
    }
}

// Lane k gets lane k ^ step.
template <class P, int... K>
MLMD_INLINE P crossed(P x, int step, std::integer_sequence<int, K...>) {
#if defined(__clang__)
    const typename P::Vec moved = {x.v[K ^ step]...};
    return {moved};
#else
    const decltype(x.v < x.v) mask = {(K ^ step)...};
    return {__builtin_shuffle(x.v, mask)};
#endif
}

// Sum over the lanes, by halves.
template <class P>
MLMD_INLINE double total(P x) {
    for (int step = P::SIZE / 2; step > 0; step /= 2)
        x = x + crossed(x, step, std::make_integer_sequence<int, P::SIZE>{});
    return x.v[0];
}

// Weights of the orbitals of a grid point, register by register.  The last register ends with the point: it overlaps
// the one before it, and its weights are zero for what that one holds.
template <class P>
class Weights {
  public:
    Weights(const double *f, int64_t norb)
        : width_(2 * norb), full_(width_ / P::SIZE), packs_((width_ + P::SIZE - 1) / P::SIZE), w_(packs_ * P::SIZE) {
        const int64_t overlap = packs_ * P::SIZE - width_;
        for (int64_t k = 0; k < packs_ * P::SIZE; ++k) {
            const bool last = k >= full_ * P::SIZE;
            w_.get()[k] = !last ? f[k / 2] : k - full_ * P::SIZE < overlap ? 0.0 : f[(k - overlap) / 2];
        }
    }

    // Reals of a grid point.
    int64_t width() const { return width_; }

    // Calls work(index of the register's first real, weights) over the orbitals of a point.
    template <class Work>
    MLMD_INLINE void each(Work &&work) const {
        const double *w = w_.get();
        for (int64_t k = 0; k < full_; ++k) work(k * P::SIZE, P::load(w + k * P::SIZE));
        if (full_ < packs_) work(width_ - P::SIZE, P::load(w + full_ * P::SIZE));
    }

  private:
    int64_t width_, full_, packs_;
    Scratch<double> w_;
};

// Calls work(Pack tag) with the widest register that the orbitals of a grid point fill.
template <int BYTES = VECTOR_BYTES, class Work>
void with_pack(int64_t width, Work &&work) {
    typedef Pack<double, BYTES> P;
    if constexpr (P::SIZE > 2) {
        if (width < P::SIZE) return with_pack<BYTES / 2>(width, work);
    }
    work(P{});
}

}  // namespace MLMD_ISA
}  // namespace mlmd
