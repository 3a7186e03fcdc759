// Kinetic propagator in tasks for the threads of a processor.
//
// Two lines of a plane go through the wave of z together, in registers, and what z is done with goes on, still in
// registers, through the wave of y against the two lines before.  Where the orbitals of a point are one register, two
// planes do so together, and what y is done with goes on through the wave of x against the two planes before: psi is
// read and written once.  The first and last few lines and planes go one by one.
#pragma once

#include "kin_line.h"
#include "kin_lines.h"
#include "kin_wave.h"

namespace mlmd {
namespace MLMD_ISA {

// The reals of a point where they are one register.
template <class T>
using OneRegister = std::integral_constant<int64_t, VECTOR_BYTES / sizeof(T)>;

// A block of orbitals, psi[x][y][z][width], and what it is turned by; the width is a number, or a constant.
template <class T, class Width>
struct KinGrid {
    T *psi;
    int nx, ny, nz, px, py, pz;  // p: whether there is a pair of the last point and the first
    Width width;
    const Axis<T> *axes;
    LineGauges<T> gauges;

    MLMD_INLINE int64_t line_step() const { return nz * width; }
    MLMD_INLINE int64_t plane_step() const { return ny * line_step(); }
    MLMD_INLINE T *line(int x, int y) const { return psi + x * plane_step() + y * line_step(); }
};

// Line y of plane x through the wave of z; a register of its points, at `place`.
template <class P, class T, class Width>
MLMD_APART void enter_line(const KinGrid<T, Width> &grid, int x, int y, int64_t place) {
    T *here = grid.line(x, y) + place;
    const int64_t width = grid.width;
    const LineGauge<T> gauge = grid.gauges.line(x, y);
    const Axis<T> axis = grid.axes[2];  // a copy: stores to psi might change the original, as compilers see it
    kin_line_of<true, P>(
        grid.nz, grid.pz != 0, axis, [&](int z) MLMD_LAMBDA { return gauge.in(P::load(here + z * width), z); },
        [&](int z, P x) MLMD_LAMBDA { x.store(here + z * width); });
}

// Lines y and y + 1 of PLANES planes from x on through the wave of z and the chains of y; a register of their points,
// at `place`.  leave(y, point, place, registers of the planes) is what becomes of the lines before, which y is done
// with.
template <int PLANES, class P, class T, class Width, class Leave>
MLMD_APART void enter_two_lines(const KinGrid<T, Width> &grid, int x, int y, int64_t place, const Leave leave) {
    typedef Several<P, PLANES> Point;
    const Axis<T> along_z = grid.axes[2];
    const T *given = grid.axes[1].tangent, tangent[3] = {given[0], given[1], given[2]};
    const int nz = grid.nz, pz = grid.pz;
    const int64_t width = grid.width, line = grid.line_step(), plane = grid.plane_step();
    T *here = grid.line(x, y) + place;
    LineGauge<T> gauges[2 * PLANES];
    MLMD_UNROLL
    for (int k = 0; k < 2 * PLANES; ++k) gauges[k] = grid.gauges.line(x + k % PLANES, y + k / PLANES);
    kin_line_of<false, Several<P, 2 * PLANES>>(
        nz, pz != 0, along_z,
        [&](int z) MLMD_LAMBDA {
            Several<P, 2 * PLANES> fresh;
            MLMD_UNROLL
            for (int k = 0; k < 2 * PLANES; ++k) {
                const T *from = here + k / PLANES * line + k % PLANES * plane + z * width;
                ask_for(from + 2 * line);
                fresh.part[k] = gauges[k].in(P::load(from), z);
            }
            return fresh;
        },
        [&](int z, const Several<P, 2 * PLANES> &done) MLMD_LAMBDA {
            T *to = here + z * width;
            Point a = Point::load(to - 2 * line, plane), b = Point::load(to - line, plane), c, d;
            MLMD_UNROLL
            for (int k = 0; k < PLANES; ++k) {
                c.part[k] = done.part[k];
                d.part[k] = done.part[PLANES + k];
            }
            chain(a, b, c, d, tangent);
            c.store(to, plane);
            d.store(to + line, plane);
            leave(y - 2, z, z * width + place, a).store(to - 2 * line, plane);
            leave(y - 1, z, z * width + place, b).store(to - line, plane);
        });
}

// PLANES planes from x on through the waves of z and y; leave as above.
template <int PLANES, class T, class Width, class Leave>
inline void enter_planes(const KinGrid<T, Width> &grid, int x, const Leave &leave) {
    const bool turned = has_quarters(grid.axes[2]) || has_quarters(grid.axes[1]);
    const auto at = [=](int y) MLMD_LAMBDA { return grid.line(x, y); };
    kin_wave(
        grid.ny, grid.py != 0,
        Stretches<PLANES, T, Width, decltype(at), Leave>(grid.axes[1], at, leave, grid.nz, grid.width,
                                                         grid.plane_step()),
        [&](int y) {
            for (int k = 0; k < PLANES; ++k)
                for_packs<T>(grid.width, [&](auto tag, int64_t i) MLMD_LAMBDA {
                    enter_line<decltype(tag)>(grid, x + k, y, i);
                });
        },
        [&](int y) {
            if (turned) return false;
            for_packs<T>(grid.width, [&](auto tag, int64_t i) MLMD_LAMBDA {
                enter_two_lines<PLANES, decltype(tag)>(grid, x, y, i, leave);
            });
            return true;
        });
}

// One plane through the waves of z and y.
template <class T, class Width>
MLMD_APART void kin_plane(const KinGrid<T, Width> &grid, int x) {
    enter_planes<1>(grid, x, [](int, int64_t, int64_t, auto v) MLMD_LAMBDA { return v; });
}

// So many points of line y, from z on, of all planes through the wave of x.
template <class T, class Width>
inline void kin_planes(const KinGrid<T, Width> &grid, int y, int z, int points) {
    const auto at = [=](int x) MLMD_LAMBDA { return grid.line(x, y) + z * grid.width; };
    const LineGauges<T> gauges = grid.gauges;
    const auto leave = [=](int x, int64_t p, int64_t, auto v) MLMD_LAMBDA {
        v.part[0] = gauges.line(x, y).out(v.part[0], z + static_cast<int>(p));
        return v;
    };
    kin_wave(
        grid.nx, grid.px != 0,
        Stretches<1, T, Width, decltype(at), decltype(leave)>(grid.axes[0], at, leave, points, grid.width, 0),
        [](int) {}, [](int) { return false; });
}

// All planes through all three waves; a point is one register.
template <class T, class Width>
inline void kin_block(const KinGrid<T, Width> &grid) {
    const int nz = grid.nz;
    const int64_t plane = grid.plane_step(), line = grid.line_step();
    const LineGauges<T> gauges = grid.gauges;
    const Axis<T> along_x = grid.axes[0];
    const bool turned = has_quarters(along_x);
    const auto at = [=](int x) MLMD_LAMBDA { return grid.line(x, 0); };
    const auto leave = [=](int x, int64_t p, int64_t, auto v) MLMD_LAMBDA {
        const int y = static_cast<int>(p) / nz, z = static_cast<int>(p) % nz;
        v.part[0] = gauges.line(x, y).out(v.part[0], z);
        return v;
    };
    kin_wave(
        grid.nx, grid.px != 0,
        Stretches<1, T, Width, decltype(at), decltype(leave)>(along_x, at, leave, int64_t(grid.ny) * nz, grid.width, 0),
        [&](int x) { kin_plane(grid, x); },
        [&](int x) {
            if (turned) return false;
            T *here = grid.line(x, 0);
            const T tangent[3] = {along_x.tangent[0], along_x.tangent[1], along_x.tangent[2]};
            enter_planes<2>(grid, x, [=](int y, int64_t z, int64_t place, auto v) MLMD_LAMBDA {
                typedef std::decay_t<decltype(v.part[0])> P;
                T *to = here + y * line + place;
                P a = P::load(to - 2 * plane), b = P::load(to - plane);
                chain(a, b, v.part[0], v.part[1], tangent);
                gauges.line(x - 2, y).out(a, static_cast<int>(z)).store(to - 2 * plane);
                gauges.line(x - 1, y).out(b, static_cast<int>(z)).store(to - plane);
                return v;
            });
            return true;
        });
}

}  // namespace MLMD_ISA
}  // namespace mlmd
