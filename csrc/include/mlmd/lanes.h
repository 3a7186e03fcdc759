// The orbitals of a point shared by a few work items, so that they read memory together; as AllOrbitals.
#pragma once

#include "group.h"
#include "orbitals.h"

namespace mlmd {
namespace MLMD_ISA {

// Whole registers fit the orbitals.
template <class P>
class SharedOrbitals {
  public:
    MLMD_ON_DEVICE SharedOrbitals(const double *f, int64_t width, int lane, int lanes)
        : f_(f), width_(width), lane_(lane), lanes_(lanes) {}

    MLMD_ON_DEVICE int64_t width() const { return width_; }

    template <class Work>
    MLMD_ON_DEVICE void each(Work &&work) const {
        for (int64_t i = lane_ * P::SIZE; i < width_; i += lanes_ * P::SIZE) work(i, twice<P>(f_ + i / 2));
    }

    MLMD_ON_DEVICE double sum(P x) const { return lane_sum(total(x), lanes_); }

    MLMD_ON_DEVICE void ask_after(const void *) const {}

  private:
    const double *f_;
    int64_t width_;
    int lane_, lanes_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd
