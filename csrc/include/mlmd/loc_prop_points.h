// The local propagator on grid points in a row, by one thread: their phases first, all at once.
#pragma once

#include "loc_prop.h"
#include "phases.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t PHASES = 64;  // grid points at most

template <class T>
MLMD_INLINE void turn_point(T *row, int64_t width, const Phase<T> &by) {
    typedef Pack<T, VECTOR_BYTES> Full;
    if (width < Full::SIZE) {
        for_packs<T>(width, [&](auto tag, int64_t i) MLMD_LAMBDA {
            typedef decltype(tag) P;
            const Turn<P, T> turned(by);
            turned(P::load(row + i)).store(row + i);
        });
        return;
    }
    // The last register overlaps the one before it: it is turned before that one and stored after it.
    const Turn<Full, T> turned(by);
    const Full last = turned(Full::load(row + width - Full::SIZE));
    for (int64_t i = 0; i + Full::SIZE < width; i += Full::SIZE) turned(Full::load(row + i)).store(row + i);
    last.store(row + width - Full::SIZE);
}

template <class T>
MLMD_INLINE void turn_point_wide(T *row, int64_t width, double re, double im) {
    for (int64_t k = 0; k < width; k += 2) {
        const Complex<double> x = {row[k], row[k + 1]}, y = times(re, im, x, {});
        row[k] = static_cast<T>(y.re);
        row[k + 1] = static_cast<T>(y.im);
    }
}

template <class T>
MLMD_INLINE void turn_points(T *psi, const double *v, double dt, int64_t points, int64_t width) {
    double re[PHASES], im[PHASES];
    phases(v, -dt, points, re, im);
    for (int64_t p = 0; p < points; ++p) {
        if constexpr (sizeof(T) == sizeof(Work<T>))
            turn_point(psi + p * width, width, phase<T>(re[p], im[p]));
        else
            turn_point_wide(psi + p * width, width, re[p], im[p]);
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
