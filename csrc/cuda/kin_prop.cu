#include "items.h"

#include "mlmd/kin_prop.h"

namespace mlmd {
namespace device {

// The rows of a launch are few enough for CUDA's grids, so that a work item may have several.
template <int WAYS, class P, class T>
__device__ inline void kin_axis(T *psi, const T *axes, const T *gauges, int axis, int n, int periodic, int64_t inner,
                                int64_t width, int64_t points, int64_t rows) {
    const int64_t place = column() * P::SIZE;
    if (place >= inner) return;
    const Axis<T> &own = reinterpret_cast<const Axis<T> *>(axes)[axis];
    for (int64_t outer = row(); outer < rows; outer += rows_at_once())
        kin_item<WAYS, P>(psi, own, reinterpret_cast<const PointGauge<T> *>(gauges), n, periodic != 0, inner, width,
                          points, outer, place);
}

}  // namespace device
}  // namespace mlmd

#define MLMD_KIN_TABLES(T, name)                                                                                     \
    MLMD_KERNEL(1) kin_tables_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges,     \
                                  int nx, int ny, int nz, int with_v) {                                              \
        mlmd::device::kin_tables<T>(item(), nx, ny, nz, given, bonds, v, with_v, axes, gauges);                      \
    }

#define MLMD_KIN_PASS(way, ways, T, bytes, groups, name)                                                                     \
    MLMD_KERNEL_OF(128, groups) kin_##way##_##name(T *psi, const T *__restrict__ axes, const T *__restrict__ gauges,      \
                                              int axis, int n, int periodic, int64_t inner, int64_t width,           \
                                              int64_t points, int64_t rows) {                                        \
        mlmd::device::kin_axis<mlmd::device::ways, mlmd::device::Pack<T, bytes>>(psi, axes, gauges, axis, n,         \
                                                                                 periodic, inner, width, points,     \
                                                                                 rows);                              \
    }

#define MLMD_KIN_ITEM(T, bytes, groups, name)           \
    MLMD_KIN_PASS(enter, ENTER, T, bytes, groups, name) \
    MLMD_KIN_PASS(axis, AXIS, T, bytes, groups, name)   \
    MLMD_KIN_PASS(leave, LEAVE, T, bytes, groups, name)

MLMD_KIN_TABLES(float, f32)
MLMD_KIN_TABLES(double, f64)
MLMD_KIN_ITEM(float, 16, 5, f32x2)
MLMD_KIN_ITEM(float, 8, 5, f32)
MLMD_KIN_ITEM(double, 16, 4, f64)
