// The activation x / (1 + exp(-x)) and its slope, a register at a time.
#pragma once

#include <limits>
#include <type_traits>

#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {

template <class T>
constexpr T inverse_factorial(int n) {
    return n < 2 ? T(1) : inverse_factorial<T>(n - 1) / T(n);
}

// exp(x) = 2^n exp(r) with |r| <= ln 2 / 2, where the Taylor series ends below the rounding of the type.
template <class P, class T = typename std::remove_reference<decltype(P{}.v[0])>::type>
MLMD_INLINE typename P::Vec exponential(typename P::Vec x) {
    typedef typename P::Vec Vec;
    typedef typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type Whole;
    typedef Whole Wholes __attribute__((vector_size(sizeof(Vec))));
    constexpr int MANTISSA = std::numeric_limits<T>::digits - 1, DEGREE = sizeof(T) == 4 ? 7 : 13;
    constexpr T LIMIT = sizeof(T) == 4 ? T(87) : T(708), LOG2E = T(1.4426950408889634);
    constexpr T LN2_HIGH = sizeof(T) == 4 ? T(0.693359375) : T(0.69314718036912381649);
    constexpr T LN2_LOW = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.90821492927058770002e-10);
    x = x > LIMIT ? P::splat(LIMIT) : x < -LIMIT ? P::splat(-LIMIT) : x;
    const Vec shifted = x * LOG2E;
    const Wholes n = __builtin_convertvector(shifted + (shifted < T(0) ? P::splat(T(-0.5)) : P::splat(T(0.5))), Wholes);
    const Vec whole = __builtin_convertvector(n, Vec), r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    Vec sum = P::splat(inverse_factorial<T>(DEGREE));
    MLMD_UNROLL
    for (int k = DEGREE; k > 0; --k) sum = fused_numbers(sum, r, P::splat(inverse_factorial<T>(k - 1)));
    const Wholes power = (n + (std::numeric_limits<T>::max_exponent - 1)) << MANTISSA;
    return sum * reinterpret_cast<Vec>(power);
}

template <class P, class T>
MLMD_INLINE P silu(P x) {
    return {x.v / (T(1) + exponential<P, T>(-x.v))};
}

template <class P, class T>
MLMD_INLINE P silu_slope(P x) {
    const typename P::Vec s = T(1) / (T(1) + exponential<P, T>(-x.v));
    return {s * (T(1) + x.v * (T(1) - s))};
}

}  // namespace MLMD_ISA
}  // namespace mlmd
