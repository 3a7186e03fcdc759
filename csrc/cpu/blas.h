// The nonlocal propagator through a BLAS library that was handed in.
#pragma once

#include "common.h"

namespace mlmd {

// Whether the library is there and these sizes are large enough for it to be the faster way.
bool blas_is_better(const mlmd_psi &psi, const mlmd_lowrank &op);

void nlp_blas(const mlmd_psi &psi, const mlmd_lowrank &op, int threads);

}  // namespace mlmd
