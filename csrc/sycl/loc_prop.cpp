#include "items.h"

#include "mlmd/loc_prop_items.h"
#include "mlmd/loc_prop_points.h"

// A task: some points in a row.
#define MLMD_LOC_PROP_TASKS(T, name)                                                                              \
    MLMD_KERNEL(1)                                                                                                \
    loc_prop_tasks_##name(T *psi, const double *v, double dt, int64_t points, int width, int64_t share) {         \
        const int64_t begin = task() * share, end = begin + share < points ? begin + share : points;              \
        for (int64_t first = begin; first < end; first += mlmd::device::PHASES) {                                 \
            const int64_t left = end - first, count = left < mlmd::device::PHASES ? left : mlmd::device::PHASES;  \
            mlmd::device::turn_points(psi + first * width, v + first, dt, count, int64_t(width));                 \
        }                                                                                                         \
    }

MLMD_LOC_PROP_TASKS(float, f32)
MLMD_LOC_PROP_TASKS(double, f64)
