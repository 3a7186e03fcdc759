#include "items.h"

#include "mlmd/dsa_items.h"
#include "mlmd/poisson_pass.h"

namespace mlmd {
namespace device {

// level.rhs to the next grid.
inline void restrict_planes(const Hierarchy &grids, int depth, int64_t task, int64_t tasks) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    const Window window(grids.window(task), level.plane());
    Restriction take(grids, level, next, grids.stencil(depth).scale, grids.work + next.rhs, window, task, tasks);
    const Range range = take.range();
    for (int64_t i = range.needed; i < range.needed_end; ++i) {
        const double *plane = grids.work + level.rhs + level.wrapped(0, i) * level.plane();
        take.begin_plane(i);
        for (int64_t iy = 0; iy < level.n[1]; ++iy) take.take(i, iy, plane + iy * level.n[2]);
        take.end_plane(i);
    }
}

// level.v = share level.rhs + what comes from the next grid.
inline void accelerate_planes(const Hierarchy &grids, int depth, int64_t task, int64_t tasks) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    const Window window(grids.window(task), level.plane());
    const Range range = own_range(level, task, tasks);
    const double share = grids.stencil(depth).share;
    Interpolation correction(grids, level, next, grids.work + next.v, window);
    for (int64_t i = range.first; i < range.end; ++i) {
        const double *rhs = grids.work + level.rhs + i * level.plane();
        double *v = grids.work + level.v + i * level.plane();
        correction.over_plane(
            i, [&](auto tag, int64_t k, auto coarse) { tag.put(v + k, share * tag.get(rhs + k) + coarse); });
    }
}

}  // namespace device
}  // namespace mlmd

using namespace mlmd::device;

// The residual of v, and restricted to the next grid.
MLMD_KERNEL(1)
pull_tasks(const int64_t *map, const double *table, double *work, const double *v, const double *rhs, int tasks) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0), next = grids.level(1);
    const Stencil s = grids.stencil(0);
    const Window window(grids.window(task()), level.plane());
    const Restriction restriction(grids, level, next, s.scale, work + next.rhs, window, task(), tasks);
    const Range range = restriction.range();
    run_pass<0>(grids, level, s, window, range, rhs, (double *)nullptr, Given{level, v},
                KeptRestriction(restriction, level, range, work + level.a));
}

// v moves, by the residual and what comes from the next grid.
MLMD_KERNEL(1)
move_tasks(const int64_t *map, const double *table, double *work, double *v, double *motion, double keep, double gain,
           int tasks) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0), next = grids.level(1);
    const Window window(grids.window(task()), level.plane());
    const Range range = own_range(level, task(), tasks);
    const Push push = {keep, gain, grids.stencil(0).share};
    Interpolation correction(grids, level, next, work + next.v, window);
    for (int64_t i = range.first; i < range.end; ++i) {
        const double *left = work + level.a + i * level.plane();
        double *here = v + i * level.plane(), *moved = motion + i * level.plane();
        correction.over_plane(i, [&](auto tag, int64_t k, auto coarse) {
            const auto step = push.moved(tag.get(moved + k), tag.get(left + k), coarse);
            tag.put(moved + k, step);
            tag.put(here + k, tag.get(here + k) + step);
        });
    }
}

MLMD_KERNEL(1)
restrict_tasks(const int64_t *map, const double *table, double *work, int depth, int tasks) {
    restrict_planes({map, table, work}, depth, task(), tasks);
}

MLMD_KERNEL(1)
accelerate_tasks(const int64_t *map, const double *table, double *work, int depth, int tasks) {
    accelerate_planes({map, table, work}, depth, task(), tasks);
}

MLMD_KERNEL(1)
small_task(const int64_t *map, const double *table, double *work, int first) {
    const Hierarchy grids = {map, table, work};
    const int last = static_cast<int>(grids.levels()) - 1;
    for (int k = first; k < last; ++k) restrict_planes(grids, k, 0, 1);
    work[grids.level(last).v] = grids.stencil(last).share * work[grids.level(last).rhs];
    for (int k = last - 1; k >= first; --k) accelerate_planes(grids, k, 0, 1);
}
