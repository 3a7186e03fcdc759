// Occupations as sums over the orbitals use them, in a table.
#pragma once

#include "common.h"
#include "mlmd/widen.h"

namespace mlmd {
namespace MLMD_ISA {

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

    MLMD_INLINE double sum(P x) const { return total(x); }

    MLMD_INLINE void ask_after(const void *p) const { ask_far_and_near(p); }

  private:
    int64_t width_, full_, packs_;
    Scratch<double> w_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
