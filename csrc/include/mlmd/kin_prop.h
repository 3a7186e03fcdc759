// Kinetic propagator on a device: tables of the phases and rotations of a step, then a pass along each axis.
#pragma once

#include "kin_gauge.h"
#include "kin_line.h"

namespace mlmd {
namespace MLMD_ISA {

// One point of the tables, and with the first three the axes.  `ends` and the angles of the axes are one after the
// other in `given`.
template <class T>
MLMD_INLINE void kin_tables(int64_t point, int nx, int ny, int nz, const double *given, const double *bonds,
                            const double *v, int with_v, T *axes, T *gauges) {
    const int n[3] = {nx, ny, nz};
    if (point >= int64_t(nx) * ny * nz) return;
    const Ends &ends = *reinterpret_cast<const Ends *>(given);
    const int z = static_cast<int>(point % nz), y = static_cast<int>(point / nz % ny);
    const int x = static_cast<int>(point / nz / ny);
    reinterpret_cast<PointGauge<T> *>(gauges)[point] =
        point_gauge<T>(x, y, z, with_v ? v + point : nullptr, bonds, ends);
    if (point < 3) {
        const AxisAngles &angles = reinterpret_cast<const AxisAngles *>(given + 4)[point];
        reinterpret_cast<Axis<T> *>(axes)[point] = make_axis<T>(angles, n[point], bonds[point]);
    }
}

// Whether a pass takes the phases of the way in, or those of the way out.
enum Ways { AXIS = 0, ENTER = 1, LEAVE = 2 };

// Items of a line that are asked for before they are needed, and the phases that they meet on their way in.
template <class P, class T, int AHEAD>
struct Awaited {
    P x[AHEAD];
    PointFactor<T> in[AHEAD];
};
constexpr int AHEAD = 4;

// A register's worth of orbitals along one line of an axis; `inner` reals lie between the items of a line.
template <int WAYS, class P, class T>
MLMD_INLINE void kin_item(T *psi, const Axis<T> &axis, const PointGauge<T> *gauges, int n, bool periodic,
                          int64_t inner, int64_t width, int64_t points, int64_t outer, int64_t place) {
    T *line = psi + outer * n * inner + place;
    const int64_t step = inner / width, first = (outer * n * inner + place) / width % points;
    const PointGauge<T> *gauge = gauges + first;
    const auto enter = [](P x, const PointFactor<T> &in) {
        return times(P::splat(in.re), P::alternate(in.im), x);
    };
    Awaited<P, T, AHEAD> awaited;
    const auto ask = [&](int k, int j) {
        awaited.x[k] = P::load(line + j * inner);
        if constexpr (WAYS & ENTER) awaited.in[k] = gauge[j * step].in;
    };
    MLMD_UNROLL
    for (int k = 0; k < AHEAD; ++k)
        if (2 + k < n) ask(k, 2 + k);
    kin_line_of<true, P>(
        n, periodic, axis,
        [&](int j) {
            const P x = P::load(line + j * inner);
            if constexpr (WAYS & ENTER) return enter(x, gauge[j * step].in);
            return x;
        },
        [&](int j) {
            P x = awaited.x[0];
            if constexpr (WAYS & ENTER) x = enter(x, awaited.in[0]);
            MLMD_UNROLL
            for (int k = 1; k < AHEAD; ++k) {
                awaited.x[k - 1] = awaited.x[k];
                if constexpr (WAYS & ENTER) awaited.in[k - 1] = awaited.in[k];
            }
            if (j + AHEAD < n) ask(AHEAD - 1, j + AHEAD);
            return x;
        },
        [&](int j, P x) {
            if constexpr (WAYS & LEAVE) x = gauged_out(x, gauge[j * step]);
            x.store(line + j * inner);
        });
}

}  // namespace MLMD_ISA
}  // namespace mlmd
