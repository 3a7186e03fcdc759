// The grids of the multigrid solver and what annealing needs of them, as kernels/multigrid.py and kernels/dsa.py make
// them and tell why.
#pragma once

#include <vector>

#include "plan.h"

namespace mlmd {

// The box itself first, down to one point.
std::vector<mlmd_level> make_levels(const mlmd_box &box);

// What each sweep of annealing keeps of the motion, and what it adds of the pull.
struct Friction {
    Friction(int32_t sweeps, double fastest);
    std::vector<double> keep, gain;
};

// Largest eigenvalue of -M^-1 laplacian.
double fastest_mode(const std::vector<mlmd_level> &levels, const mlmd_launch &launch);

// Highest order of a prediction in time that stays stable with the sweeps that follow it.
int predictor_order(int32_t sweeps);

}  // namespace mlmd
