// Pair rotations in tangent form, in the gauge in which they are real; the cosines are left out.
#pragma once

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

// a <- a - t b,  b <- b + t a
template <class T, class P>
MLMD_INLINE void turn_numbers(P &a, P &b, T t) {
    const P old = a;
    a = fused(-t, b, a);
    b = fused(t, old, b);
}

// The pairs (c, d), (b, c), (a, b) by the three tangents.
template <class T, class P>
MLMD_INLINE void chain(P &a, P &b, P &c, P &d, const T tangent[3]) {
    turn_numbers(c, d, tangent[0]);
    turn_numbers(b, c, tangent[1]);
    turn_numbers(a, b, tangent[2]);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
