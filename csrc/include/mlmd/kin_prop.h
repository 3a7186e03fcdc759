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

enum Way { IN = 1, OUT = 2 };

// A register's worth of orbitals along one line of an axis; `inner` reals lie between the items of a line.
template <class P, class T>
MLMD_INLINE void kin_item(T *psi, const Axis<T> &axis, const PointGauge<T> *gauges, int n, int periodic, int ways,
                          int64_t inner, int64_t width, int64_t points, int64_t outer, int64_t place) {
    T *line = psi + outer * n * inner + place;
    const int64_t step = inner / width, first = (outer * n * inner + place) / width % points;
    kin_line<P>(
        n, periodic != 0, axis,
        [&](int j) {
            const P x = P::load(line + j * inner);
            return ways & IN ? gauged_in(x, gauges[first + j * step]) : x;
        },
        [&](int j, P x) { (ways & OUT ? gauged_out(x, gauges[first + j * step]) : x).store(line + j * inner); });
}

}  // namespace MLMD_ISA
}  // namespace mlmd
