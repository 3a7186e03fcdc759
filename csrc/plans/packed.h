// Packed wave functions: orbitals in blocks of one cache line, each block with the whole grid (kernels/packed.py).
#pragma once

#include "mlmd/mlmd_plans.h"

namespace mlmd {

inline int64_t lanes(int32_t type) { return type == MLMD_COMPLEX64 ? 8 : 4; }
inline int64_t blocks(const mlmd_domain &on) { return (on.norb + lanes(on.type) - 1) / lanes(on.type); }

}  // namespace mlmd
