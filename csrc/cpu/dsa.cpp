// Dynamical simulated annealing of the Hartree potential: leapfrog sweeps of a damped wave.
#include <algorithm>

#include "common.h"
#include "stencil.h"

namespace mlmd {
namespace MLMD_ISA {

void dsa(double *v, double *velocity, const double *rhs, const mlmd_box &box, const mlmd_leapfrog &how, int threads) {
    const int64_t nz = box.n[2], points = box.n[0] * box.n[1] * nz;
    const double friction = 0.5 * how.damping * how.step;
    const double keep = (1.0 - friction) / (1.0 + friction), gain = how.step / (1.0 + friction);
    Scratch<double> rows((threads + 1) * nz);
    std::fill_n(rows.get(), nz, 0.0);
    for (int32_t sweep = 0; sweep < how.sweeps; ++sweep) {
#pragma omp parallel num_threads(team(box, threads))
        {
            double *lap = rows.get() + (1 + thread_index()) * nz;
#pragma omp for schedule(static)
            for (int64_t ix = 0; ix < box.n[0]; ++ix)
                for_rows(box, v, rows.get(), lap, ix, [&](int64_t first, const double *l) {
                    double *w = velocity + first;
                    const double *source = rhs + first;
                    for (int64_t k = 0; k < nz; ++k) w[k] = keep * w[k] + gain * (l[k] + source[k]);
                });
#pragma omp for simd schedule(static)
            for (int64_t p = 0; p < points; ++p) v[p] += how.step * velocity[p];
        }
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(dsa, double *, double *, const double *, const mlmd_box &, const mlmd_leapfrog &, int)

mlmd_status mlmd_dsa(double *v, double *velocity, const double *rhs, const mlmd_box *box, const mlmd_leapfrog *how,
                     int threads) {
    if (!v || !velocity || !rhs || !box || !how) return mlmd::fail(MLMD_BAD_ARGUMENT, "an argument is null");
    if (const mlmd_status status = mlmd::check(*box, threads)) return status;
    if (how->sweeps < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "sweeps is below 1");
    MLMD_GUARDED(MLMD_PICK(dsa)(v, velocity, rhs, *box, *how, threads))
}
#endif
