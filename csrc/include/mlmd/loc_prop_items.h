// The local propagator on a GPU: a group finds the phases of some points, then turns their orbitals, each work item
// 16 bytes at a time.
#pragma once

#include "group.h"
#include "loc_prop.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int TURNED = 64;  // grid points of a group at a time

template <class P, class T>
MLMD_ON_DEVICE void loc_prop_items(T *psi, const double *v, Phase<T> *by, double dt, int64_t points, int width) {
    const Here at = here();
    for (int64_t first = at.group * TURNED; first < points; first += at.groups * TURNED) {
        const int count = points - first < TURNED ? static_cast<int>(points - first) : TURNED;
        for (int p = at.item; p < count; p += GROUP) {
            const double angle = -dt * v[first + p];
            by[p] = phase<T>(MLMD_COS(angle), MLMD_SIN(angle));
        }
        wait_for_group();
        T *own = psi + first * width;
        for (int i = at.item * P::SIZE; i < count * width; i += GROUP * P::SIZE) {
            const Turn<P, T> turn(by[i / width]);
            turn(P::load(own + i)).store(own + i);
        }
        wait_for_group();
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#define MLMD_LOC_PROP_ITEMS(T, bytes, name)                                                                     \
    MLMD_GROUP_KERNEL loc_prop_##name(T *psi, const double *v, double dt, int64_t points, int width) {          \
        MLMD_GROUP_MEMORY(mlmd::device::Phase<T>, mlmd::device::TURNED, by);                                    \
        mlmd::device::loc_prop_items<mlmd::device::Pack<T, bytes>>(psi, v, by, dt, points, width);              \
    }

MLMD_LOC_PROP_ITEMS(float, 16, f32x2)
MLMD_LOC_PROP_ITEMS(float, 8, f32)
MLMD_LOC_PROP_ITEMS(double, 16, f64)
