// Occupations as sums over the orbitals of a point use them, straight from memory, and how the sum of a register
// becomes the sum over the orbitals: for a task, which has them all, and for a work item, which shares them.
#pragma once

#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {

// (f0, f0, f1, f1, ...)
template <class P>
MLMD_INLINE P twice(const double *f) {
#if defined(__clang__) && !defined(MLMD_NO_VECTORS)
    if constexpr (P::SIZE > 2) {
        typedef double Half __attribute__((vector_size(sizeof(P) / 2), aligned(sizeof(double)), may_alias));
        const Half half = *reinterpret_cast<const Half *>(f);
        if constexpr (P::SIZE == 4) return {__builtin_shufflevector(half, half, 0, 0, 1, 1)};
        if constexpr (P::SIZE == 8) return {__builtin_shufflevector(half, half, 0, 0, 1, 1, 2, 2, 3, 3)};
    }
#endif
    P w = P::zero();
    for (int k = 0; k < P::SIZE; ++k) w.v[k] = f[k / 2];
    return w;
}

// All orbitals.  The last register ends with the point: it overlaps the one before it, and its weights are zero for
// what that one holds.
template <class P>
class AllOrbitals {
  public:
    MLMD_INLINE AllOrbitals(const double *f, int64_t width)
        : f_(f), width_(width), full_(width / P::SIZE * P::SIZE), last_(P::zero()) {
        for (int k = 0; k < P::SIZE; ++k) {
            const int64_t real = width - P::SIZE + k;
            last_.v[k] = real < full_ ? 0.0 : f[real / 2];
        }
    }

    MLMD_INLINE int64_t width() const { return width_; }

    // Calls work(index of the register's first real, weights).
    template <class Work>
    MLMD_INLINE void each(Work &&work) const {
        for (int64_t i = 0; i < full_; i += P::SIZE) work(i, twice<P>(f_ + i / 2));
        if (full_ < width_) work(width_ - P::SIZE, last_);
    }

    MLMD_INLINE double sum(P x) const { return total(x); }

    MLMD_INLINE void ask_after(const void *p) const { ask_far_and_near(p); }

  private:
    const double *f_;
    int64_t width_, full_;
    P last_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
