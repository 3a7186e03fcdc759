#include "items.h"

#include "mlmd/kin_prop.h"
#include "mlmd/kin_wave.h"

namespace mlmd {
namespace device {

// A plane: the wave of z on each line as it enters the wave of y.
template <class T>
inline void kin_plane(T *psi, const Axis<T> *axes, const PointGauge<T> *gauges, int nx, int ny, int nz, int py,
                      int pz, int64_t width) {
    const int64_t line = nz * width, x = task() % nx;
    T *plane = psi + task() * ny * line;
    const Axis<T> along_z = axes[2];
    const auto at = [&](int y) { return plane + y * line; };
    const auto enter = [&](int y) {
        const PointGauge<T> *gauge = gauges + (x * ny + y) * nz;
        T *here = at(y);
        for_packs<T>(width, [&](auto tag, int64_t i) {
            typedef decltype(tag) P;
            kin_line<P>(
                nz, pz != 0, along_z,
                [&](int z) { return gauged_in(P::load(here + z * width + i), gauge[z]); },
                [&](int z, P v) { v.store(here + z * width + i); });
        });
    };
    const auto leave = [](int, int64_t, auto x) { return x; };
    kin_wave(ny, py != 0, Stretches<T, decltype(at), decltype(leave)>(axes[1], at, leave, 1, line), enter);
}

// The wave of x on some points of the planes.
template <class T>
inline void kin_planes(T *psi, const Axis<T> *axes, const PointGauge<T> *gauges, int nx, int64_t plane, int px,
                       int64_t width, int64_t share) {
    const int64_t parts = (plane + share - 1) / share, first = task() % parts * share;
    const int64_t count = first + share < plane ? share : plane - first;
    T *here = psi + (task() / parts * nx * plane + first) * width;
    const auto at = [&](int x) { return here + x * plane * width; };
    const auto leave = [&](int x, int64_t p, auto v) { return gauged_out(v, gauges[x * plane + first + p]); };
    kin_wave(nx, px != 0, Stretches<T, decltype(at), decltype(leave)>(axes[0], at, leave, count, width), [](int) {});
}

}  // namespace device
}  // namespace mlmd

#define MLMD_KIN_PROP(T, name)                                                                                         \
    MLMD_KERNEL(1)                                                                                                     \
    kin_tables_##name(const double *given, const double *bonds, const double *v, T *axes, T *gauges, int nx, int ny,   \
                      int nz, int with_v) {                                                                            \
        mlmd::device::kin_tables<T>(item(), nx, ny, nz, given, bonds, v, with_v, axes, gauges);                        \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_plane_##name(T *psi, const T *axes, const T *gauges, int nx, int ny, int nz, int py, int pz,           \
                     int64_t width) {                                                                                  \
        mlmd::device::kin_plane<T>(psi, (const mlmd::device::Axis<T> *)axes, (const mlmd::device::PointGauge<T> *)gauges, nx,     \
                                ny, nz, py, pz, width);                                                            \
    }                                                                                                                  \
    MLMD_KERNEL(1)                                                                                                     \
    kin_planes_##name(T *psi, const T *axes, const T *gauges, int nx, int64_t plane, int px, int64_t width,            \
                      int64_t share) {                                                                                 \
        mlmd::device::kin_planes<T>(psi, (const mlmd::device::Axis<T> *)axes, (const mlmd::device::PointGauge<T> *)gauges, nx,    \
                                 plane, px, width, share);                                                             \
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
