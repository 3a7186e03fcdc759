#include "items.h"

#include "mlmd/kin_prop.h"

#define MLMD_KIN_PROP(T, name)                                                                                         \
    MLMD_KERNEL(1)                                                                                                     \
    kin_tables_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges, int nx, int ny,   \
                      int nz, int with_v) {                                                                            \
        mlmd::device::kin_tables<T>(item(), nx, ny, nz, given, bonds, v, with_v, axes, gauges);                        \
    }

#define MLMD_KIN_PASS(way, ways, T, bytes, name)                                                                     \
    MLMD_KERNEL(2)                                                                                                   \
    kin_##way##_##name(T *psi, const T *axes, const T *gauges, int axis, int n, int periodic, int64_t inner,         \
                       int64_t width, int64_t points, int64_t rows) {                                                \
        typedef mlmd::device::Pack<T, bytes> P;                                                                      \
        if (column() * P::SIZE >= inner) return;                                                                     \
        const mlmd::device::Axis<T> own = ((const mlmd::device::Axis<T> *)axes)[axis];                               \
        for (int64_t outer = row(); outer < rows; outer += rows_at_once())                                           \
            mlmd::device::kin_item<mlmd::device::ways, P>(psi, own, (const mlmd::device::PointGauge<T> *)gauges, n,  \
                                                          periodic != 0, inner, width, points, outer,                \
                                                          column() * P::SIZE);                                       \
    }

#define MLMD_KIN_ITEM(T, bytes, name)           \
    MLMD_KIN_PASS(enter, ENTER, T, bytes, name) \
    MLMD_KIN_PASS(axis, AXIS, T, bytes, name)   \
    MLMD_KIN_PASS(leave, LEAVE, T, bytes, name)

MLMD_KIN_PROP(float, f32)
MLMD_KIN_PROP(double, f64)
MLMD_KIN_ITEM(float, 16, f32x2)
MLMD_KIN_ITEM(float, 8, f32)
MLMD_KIN_ITEM(double, 16, f64)
