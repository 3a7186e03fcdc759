// The kernels of kin_tasks.h, in one precision: a program is compiled as a whole when first used.
//
// Tables of a step, a task for each plane.  Then a plane along z and y; some points of a line of all planes along x; or
// a block of orbitals, some steps along all axes.
#pragma once

#include "items.h"

#include "mlmd/kin_tasks.h"

#define MLMD_KIN_TASKS(T, name)                                                                                        \
    MLMD_KERNEL(1)                                                                                                     \
    kin_lines_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges, int nx, int ny,    \
                     int nz, int with_v) {                                                                             \
        mlmd::device::kin_lines<T>(static_cast<int>(task()), nx, ny, nz, given, bonds, v, with_v, axes, gauges);       \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_plane_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,      \
                     int py, int pz, int64_t width) {                                                                  \
        MLMD_KIN_GRID(T, int64_t, width, task() / nx);                                                                 \
        mlmd::device::kin_plane(grid, static_cast<int>(task() % nx));                                                  \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_planes_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,     \
                      int py, int pz, int64_t width, int share) {                                                      \
        const int parts = (nz + share - 1) / share, z = static_cast<int>(task() % parts) * share;                      \
        const int64_t line = task() / parts;                                                                           \
        MLMD_KIN_GRID(T, int64_t, width, line / ny);                                                                   \
        mlmd::device::kin_planes(grid, static_cast<int>(line % ny), z, z + share < nz ? share : nz - z);               \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_block_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,      \
                     int py, int pz, int64_t width, int steps) {                                                       \
        MLMD_KIN_GRID(T, mlmd::device::OneRegister<T>, {}, task());                                                    \
        for (int k = 0; k < steps; ++k) mlmd::device::kin_block(grid);                                                 \
    }

#define MLMD_KIN_GRID(T, Width, points, block)                                                                         \
    const mlmd::device::KinGrid<T, Width> grid = {psi + (block) * nx * ny * nz * width,                                \
                                                  nx, ny, nz, px, py, pz, points,                                      \
                                                  (const mlmd::device::Axis<T> *)axes,                                 \
                                                  mlmd::device::line_gauges(gauges, ny, nz, bonds, with_v)}
