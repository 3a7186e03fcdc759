// Local propagator: the phase of a grid point times its orbitals.
#include <algorithm>

#include "common.h"
#include "phases.h"
#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BLOCK = 64;  // grid points of a parallel work item

// In single precision the phase is carried as a sum of two numbers, or a point's norm would drift by its rounding.
template <class T>
void turn_point(T *row, int64_t width, double re, double im) {
    const T high_re = static_cast<T>(re), high_im = static_cast<T>(im);
    const T low_re = static_cast<T>(re - high_re), low_im = static_cast<T>(im - high_im);
    for_packs<T>(width, [&](auto tag, int64_t i) MLMD_LAMBDA {
        typedef decltype(tag) P;
        const P x = P::load(row + i);
        if constexpr (sizeof(T) == sizeof(double))
            times(P::splat(high_re), P::alternate(high_im), x, P::zero()).store(row + i);
        else
            turn(P::splat(high_re), P::alternate(high_im), P::splat(low_re), P::alternate(low_im), x).store(row + i);
    });
}

template <class T>
void turn_point_wide(T *row, int64_t width, double re, double im) {
    for (int64_t k = 0; k < width; k += 2) {
        const Complex<double> x = {row[k], row[k + 1]}, y = times(re, im, x, {});
        row[k] = static_cast<T>(y.re);
        row[k + 1] = static_cast<T>(y.im);
    }
}

template <class T>
void propagate(const mlmd_psi &psi, const double *v, double dt, int threads) {
    const int64_t points = psi.n[0] * psi.n[1] * psi.n[2], width = 2 * psi.norb;
    T *data = static_cast<T *>(psi.data);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < points; first += BLOCK) {
        const int64_t count = std::min(BLOCK, points - first);
        double re[BLOCK], im[BLOCK];
        phases(v + first, -dt, count, re, im);
        for (int64_t p = 0; p < count; ++p) {
            T *row = data + (first + p) * width;
            if constexpr (sizeof(T) == sizeof(Work<T>))
                turn_point(row, width, re[p], im[p]);
            else
                turn_point_wide(row, width, re[p], im[p]);
        }
    }
}

}  // namespace

void loc_prop(const mlmd_psi &psi, const double *v, double dt, int threads) {
    if (psi.type == MLMD_COMPLEX64)
        propagate<float>(psi, v, dt, threads);
    else
        propagate<double>(psi, v, dt, threads);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(loc_prop, const mlmd_psi &, const double *, double, int)

mlmd_status mlmd_loc_prop(const mlmd_psi *psi, const double *v, double dt, int threads) {
    if (const mlmd_status status = mlmd::check(psi, threads)) return status;
    if (!v) return mlmd::fail(MLMD_BAD_ARGUMENT, "v is null");
    MLMD_GUARDED(MLMD_PICK(loc_prop)(*psi, v, dt, threads))
}
#endif
