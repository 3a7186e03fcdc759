// Order of work along one axis: every rotation as soon as both of its items are there.
//
// Items are what lies along an axis: points of a line, lines of a plane, planes of the grid.  They arrive one after
// the other; a rotation runs once its two items have arrived and all earlier rotations of either are done.  So all
// sets of pairs move over the items together, as a wave a few items wide that stays in the cache.  Items may arrive
// in several ranges at the same time (one for each thread); what joins two ranges is left for the end.
//
// Rotations are in tangent form.  In the gauge psi_j = (i e^{-i theta})^j chi_j a rotation by the angle x is real,
//
//     chi_a <- cos x (chi_a - t chi_b),   chi_b <- cos x (chi_b + t chi_a),   t = tan x,
//
// and with the cosine, the same for all items of a set, left for the end it costs one multiply-add for each number.
// The pair (n-1, 0) takes up the gauge's mismatch, -(i e^{-i theta})^{-n}; an item without a partner in a set grows
// by 1 / cos x.  t is rounded first and 1 / cos x made of the rounded one, in extended precision: the whole is
// unitary far below the rounding of psi.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "mlmd/mlmd_kernels.h"

namespace mlmd {

// i^k
template <class Real>
std::complex<Real> quarter_turns(int64_t k) {
    const std::complex<Real> powers[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    return powers[k & 3];
}

enum class Kind {
    pair,     // a - re b, b + re a
    chain,    // pairs (2, 3) by re, (1, 2) by im, (0, 1) by c
    general,  // a <- (c + low) a + beta b,  b <- (c + low) b - conj(beta) a
    lone      // (c + low) a
};

struct Turn {
    Kind kind;
    int32_t item[4];
    double c, low, re, im;  // exact in the type of psi
};

// What runs when an item arrives, and the items that are finished then.
struct Arrival {
    std::vector<Turn> turns;
    std::vector<int32_t> finished;
};

struct Wave {
    std::vector<Arrival> first;  // the items of a range, in order; ranges are independent of one another
    std::vector<Arrival> rest;   // empty, or what is left once all are there, in order
    double scale;                // the cosines that were left out
};

// Sweeps of one axis of n items with the Peierls phase theta of a bond, for psi of the given type.
Wave make_wave(int64_t n, const mlmd_sweep *sweeps, int64_t nsweeps, double theta, mlmd_type type, int64_t ranges);

}  // namespace mlmd
