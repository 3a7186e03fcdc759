// Registers from several places that are turned alike.
#pragma once

#include "chain.h"
#include "kin_axis.h"

namespace mlmd {
namespace MLMD_ISA {

template <class P, int N>
struct Several {
    P part[N];

    // From places `apart` reals from one another.
    template <class T>
    static MLMD_INLINE Several load(const T *p, int64_t apart) {
        Several x;
        MLMD_UNROLL
        for (int k = 0; k < N; ++k) x.part[k] = P::load(p + k * apart);
        return x;
    }
    template <class T>
    MLMD_INLINE void store(T *p, int64_t apart) const {
        MLMD_UNROLL
        for (int k = 0; k < N; ++k) part[k].store(p + k * apart);
    }
};

template <bool QUARTERS, class T, class P, int N>
MLMD_INLINE void turn_set(Several<P, N> &a, Several<P, N> &b, const Axis<T> &axis, int set) {
    MLMD_UNROLL
    for (int k = 0; k < N; ++k) turn_set<QUARTERS>(a.part[k], b.part[k], axis, set);
}

template <class T, class P, int N>
MLMD_INLINE void grow(Several<P, N> &a, const Axis<T> &axis, int set) {
    MLMD_UNROLL
    for (int k = 0; k < N; ++k) grow(a.part[k], axis, set);
}

template <class T, class P, int N>
MLMD_INLINE void turn_joint(Several<P, N> &a, Several<P, N> &b, const Axis<T> &axis, int which) {
    MLMD_UNROLL
    for (int k = 0; k < N; ++k) turn_joint(a.part[k], b.part[k], axis, which);
}

template <class T, class P, int N>
MLMD_INLINE void chain(Several<P, N> &a, Several<P, N> &b, Several<P, N> &c, Several<P, N> &d, const T tangent[3]) {
    MLMD_UNROLL
    for (int k = 0; k < N; ++k) chain(a.part[k], b.part[k], c.part[k], d.part[k], tangent);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
