#include "items.h"

#include "mlmd/kin_prop.h"
#include "mlmd/kin_tasks.h"

// Tables of a step for work items, and for tasks: there by planes.  Then the tasks: a plane along z and y; some points of a
// line of all planes along x; or a block of orbitals, some steps along all axes.
#define MLMD_KIN_PROP(T, name)                                                                                         \
    MLMD_KERNEL(1)                                                                                                     \
    kin_tables_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges, int nx, int ny,   \
                      int nz, int with_v) {                                                                            \
        mlmd::device::kin_tables<T>(item(), nx, ny, nz, given, bonds, v, with_v, axes, gauges);                        \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_lines_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges, int nx, int ny,    \
                     int nz, int with_v) {                                                                             \
        mlmd::device::kin_lines<T>(static_cast<int>(task()), nx, ny, nz, given, bonds, v, with_v, axes, gauges);       \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_plane_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,      \
                     int py, int pz, int64_t width) {                                                                  \
        MLMD_KIN_GRID(T, task() / nx);                                                                                 \
        mlmd::device::kin_plane(grid, static_cast<int>(task() % nx));                                                  \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_planes_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,     \
                      int py, int pz, int64_t width, int share) {                                                      \
        const int parts = (nz + share - 1) / share, z = static_cast<int>(task() % parts) * share;                      \
        const int64_t line = task() / parts;                                                                           \
        MLMD_KIN_GRID(T, line / ny);                                                                                   \
        mlmd::device::kin_planes(grid, static_cast<int>(line % ny), z, z + share < nz ? share : nz - z);               \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_block_##name(T *psi, T *axes, T *gauges, const double *bonds, int with_v, int nx, int ny, int nz, int px,      \
                     int py, int pz, int64_t width, int steps) {                                                       \
        MLMD_KIN_GRID(T, task());                                                                                      \
        for (int k = 0; k < steps; ++k) mlmd::device::kin_block(grid);                                                 \
    }

#define MLMD_KIN_GRID(T, block)                                                                                        \
    const mlmd::device::KinGrid<T> grid = {psi + (block) * nx * ny * nz * width,                                       \
                                           nx, ny, nz, px, py, pz, width,                                              \
                                           (const mlmd::device::Axis<T> *)axes,                                        \
                                           mlmd::device::line_gauges(gauges, ny, nz, bonds, with_v)}

#define MLMD_KIN_ITEM(T, bytes, name)                                                                                  \
    MLMD_KERNEL(2)                                                                                                     \
    kin_axis_##name(T *psi, const T *axes, const T *gauges, int axis, int n, int periodic, int ways, int64_t inner,    \
                    int64_t width, int64_t points, int64_t rows) {                                                     \
        typedef mlmd::device::Pack<T, bytes> P;                                                                        \
        if (column() * P::SIZE >= inner || row() >= rows) return;                                                                       \
        const mlmd::device::Axis<T> own = ((const mlmd::device::Axis<T> *)axes)[axis];                                           \
        mlmd::device::kin_item<P>(psi, own, (const mlmd::device::PointGauge<T> *)gauges, n, periodic, ways, inner,        \
                                  width, points, row(), column() * P::SIZE);                                           \
    }

MLMD_KIN_PROP(float, f32)
MLMD_KIN_PROP(double, f64)
MLMD_KIN_ITEM(float, 16, f32x2)
MLMD_KIN_ITEM(float, 8, f32)
MLMD_KIN_ITEM(double, 16, f64)
