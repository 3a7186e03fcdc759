// Field arithmetic of the Hartree plan, for one number (a work item) or a register full of them (a task); what each
// does is told in kernels/hartree_fields.py.
#pragma once

#include "rows.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr double FOUR_PI = 12.566370614359172954;

// Mean of `points` numbers of which `parts` are partial sums; 0 without any.
MLMD_INLINE double mean_of(const double *parts, int count, int64_t points) {
    double total = 0.0;
    for (int k = 0; k < count; ++k) total += parts[k];
    return total / static_cast<double>(points);
}

template <class D>
MLMD_INLINE void source(D tag, const double *n, double mean, double *rhs, int64_t p) {
    tag.put(rhs + p, FOUR_PI * (tag.get(n + p) - mean));
}

template <class D>
MLMD_INLINE void centre(D tag, double mean, double *v, int64_t p) {
    tag.put(v + p, tag.get(v + p) - mean);
}

template <class D>
MLMD_INLINE void predict(D tag, double *v, double *before, const double *velocity, const double *acceleration,
                         int order, int64_t p) {
    auto x = tag.get(v + p);
    tag.put(before + p, x);
    if (order > 0) x = x + tag.get(velocity + p);
    if (order > 1) x = x + tag.get(acceleration + p);
    tag.put(v + p, x);
}

template <class D>
MLMD_INLINE void follow(D tag, const double *v, const double *before, double *velocity, double *acceleration,
                        int64_t p) {
    const auto moved = tag.get(v + p) - tag.get(before + p);
    tag.put(acceleration + p, moved - tag.get(velocity + p));
    tag.put(velocity + p, moved);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
