#include "items.h"

#include "mlmd/density_items.h"

// A task: some points in a row.  Single precision is converted 32 bytes at a time: the compiler would do two halves of
// a wider register and join them.
#define MLMD_DENSITY_TASKS(T, name)                                                                              \
    MLMD_KERNEL(1)                                                                                               \
    density_tasks_##name(const T *psi, const double *f, double *n, int64_t points, int64_t width, int64_t share) { \
        const int64_t first = task() * share, left = points - first;                                             \
        mlmd::device::with_pack<sizeof(T) == sizeof(float) ? 32 : 64>(width, [&](auto tag) MLMD_LAMBDA {                                               \
            typedef decltype(tag) P;                                                                             \
            const mlmd::device::AllOrbitals<P> orbitals(f, width);                                               \
            mlmd::device::densities<P>(psi + first * width, orbitals, left < share ? left : share, n + first);    \
        });                                                                                                      \
    }

MLMD_DENSITY_TASKS(float, f32)
MLMD_DENSITY_TASKS(double, f64)
