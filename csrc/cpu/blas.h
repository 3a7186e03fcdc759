// The nonlocal propagator through a BLAS library that was handed in.
#pragma once

#include "common.h"

namespace mlmd {

// What mlmd_use_blas was given last; null functions if nothing.
mlmd_blas chosen_blas();

// Whether the library is there and asked for, or these sizes are large enough for it to be the faster way.
bool is_wanted(const mlmd_blas &library, const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch);

void nlp_blas(const mlmd_blas &library, const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch);

}  // namespace mlmd
