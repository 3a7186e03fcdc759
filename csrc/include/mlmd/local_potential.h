// Exchange and correlation of the unpolarised electron gas (Slater, PW92) at one point; mlmd/dcmesh/qxmd/xc.py names
// the sources and is the reference.
#pragma once

#include <cstdint>

#include "portable.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr double DENSITY_FLOOR = 1e-14;          // vacuum below, electrons / bohr^3
constexpr double SPHERE = 0.23873241463784300;   // 3 / (4 pi)
constexpr double SLATER = 0.45816529328314287;   // (3/4) (9 / (4 pi^2))^(1/3)

struct Correlation {
    double energy, slope;  // per electron, and its derivative by rs
};

MLMD_INLINE double radius(double n) { return MLMD_CBRT(SPHERE / n); }

MLMD_INLINE Correlation pw92(double rs) {
    const double A = 0.0310907, alpha = 0.21370, b1 = 7.5957, b2 = 3.5876, b3 = 1.6382, b4 = 0.49294;
    const double root = MLMD_SQRT(rs), q0 = -2.0 * A * (1.0 + alpha * rs);
    const double q1 = 2.0 * A * (b1 * root + b2 * rs + b3 * rs * root + b4 * rs * rs);
    const double dq1 = A * (b1 / root + 2.0 * b2 + 3.0 * b3 * root + 4.0 * b4 * rs);
    const double log = MLMD_LOG(1.0 + 1.0 / q1);
    return {q0 * log, -2.0 * A * alpha * log - q0 * dq1 / (q1 * q1 + q1)};
}

// d(n e_xc)/dn
MLMD_INLINE double lda_potential(double n) {
    const bool inside = n > DENSITY_FLOOR;
    const double rs = radius(inside ? n : DENSITY_FLOOR);
    const Correlation c = pw92(rs);
    const double v = -(4.0 / 3.0) * SLATER / rs + c.energy - rs / 3.0 * c.slope;
    return inside ? v : 0.0;
}

}  // namespace MLMD_ISA
}  // namespace mlmd
