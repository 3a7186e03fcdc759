// A float as a sum of bf16 numbers, each the rest rounded to nearest even.
#pragma once

#include <cstdint>

#include "portable.h"

namespace mlmd {
namespace MLMD_ISA {

MLMD_INLINE uint32_t bits_of(float x) {
    uint32_t u;
    MLMD_MEMCPY(&u, &x, sizeof u);
    return u;
}

MLMD_INLINE float float_of(uint32_t u) {
    float x;
    MLMD_MEMCPY(&x, &u, sizeof x);
    return x;
}

// Takes the leading bf16 number off x and returns the bits of that number as a float.
MLMD_INLINE uint32_t take_bf16(float &x) {
    const uint32_t u = bits_of(x), top = (u + 0x7fffu + ((u >> 16) & 1u)) & 0xffff0000u;
    x -= float_of(top);
    return top;
}

}  // namespace MLMD_ISA
}  // namespace mlmd
