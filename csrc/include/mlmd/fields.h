// Real fields on a grid.
#pragma once

#include <cstdint>

#include "portable.h"

namespace mlmd {
namespace MLMD_ISA {

MLMD_INLINE void combine(int64_t k, double *to, const double *x, const double *y, double a, double b, int64_t n) {
    if (k < n) to[k] = MLMD_FMA(a, x[k], b * y[k]);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
