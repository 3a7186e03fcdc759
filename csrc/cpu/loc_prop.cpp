// Local propagator: the phase of a grid point times its orbitals.
#include <algorithm>

#include "common.h"
#include "phases.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t BLOCK = 64;  // grid points of a parallel work item

// A phase times packs of orbitals.  In single precision it is carried as a sum of two numbers, or a point's norm would
// drift by its rounding.
template <class P, class T>
struct Turn {
    typename P::Vec high_re, high_im, low_re, low_im;

    Turn(double re, double im) {
        const T re_part = static_cast<T>(re), im_part = static_cast<T>(im);
        const auto signs = P::alternate(T(1));
        high_re = P::splat(re_part);
        high_im = signs * P::splat(im_part);
        low_re = P::splat(static_cast<T>(re - re_part));
        low_im = signs * P::splat(static_cast<T>(im - im_part));
    }

    MLMD_INLINE P operator()(P x) const {
        if constexpr (sizeof(T) == sizeof(double)) return times(high_re, high_im, x, P::zero());
        return turn(high_re, high_im, low_re, low_im, x);
    }
};

template <class T>
void turn_point(T *row, int64_t width, double re, double im) {
    typedef Pack<T, VECTOR_BYTES> Full;
    if (width < Full::SIZE) {
        for_packs<T>(width, [&](auto tag, int64_t i) MLMD_LAMBDA {
            typedef decltype(tag) P;
            Turn<P, T>(re, im)(P::load(row + i)).store(row + i);
        });
        return;
    }
    // The last register overlaps the one before it: it is turned before that one and stored after it.
    const Turn<Full, T> turned(re, im);
    const Full last = turned(Full::load(row + width - Full::SIZE));
    for (int64_t i = 0; i + Full::SIZE < width; i += Full::SIZE) turned(Full::load(row + i)).store(row + i);
    last.store(row + width - Full::SIZE);
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
