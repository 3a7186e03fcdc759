#include "group.h"

#include "mlmd/dsa.h"
#include "mlmd/poisson_pass.h"
#include "mlmd/poisson_points.h"

namespace mlmd {
namespace device {

// The planes of v after they have moved; a task writes its own.
struct MovedPlanes {
    const Level &level;
    Push push;
    const double *v, *motion, *left;
    double *v_out, *motion_out;
    Interpolation correction;
    Window window;
    Range range;

    MLMD_INLINE void fill(int64_t i) {
        const int64_t x = level.wrapped(0, i), first = x * level.plane();
        const bool own = range.owns(i);
        double *to = own ? v_out + first : window.ring(0, i), *speed = own ? motion_out + first : nullptr;
        correction.over_plane(x, [&](auto tag, int64_t k, auto coarse) {
            const int64_t p = first + k;
            const auto moved = push.moved(tag.get(motion + p), tag.get(left + p), coarse);
            tag.put(to + k, tag.get(v + p) + moved);
            if (speed) tag.put(speed + k, moved);
        });
    }
    MLMD_INLINE const double *plane(int64_t i) const {
        return range.owns(i) ? v_out + level.wrapped(0, i) * level.plane() : window.ring(0, i);
    }
};

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

// The residual of v to `left`, and restricted to the next grid.
MLMD_KERNEL(1)
pull_tasks(const int64_t *map, const double *table, double *work, const double *v, const double *rhs, double *left,
           int tasks) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0), next = grids.level(1);
    const Stencil s = grids.stencil(0);
    const Window window(grids.window(task()), level.plane());
    const Restriction restriction(grids, level, next, s.scale, work + next.rhs, window, task(), tasks);
    const Range range = restriction.range();
    run_pass<0>(grids, level, s, window, range, rhs, (double *)nullptr, Given{level, v},
                KeptRestriction(restriction, level, range, left));
}

// The same after v has moved; the fields as they were stay, since other tasks need them.
MLMD_KERNEL(1)
move_and_pull_tasks(const int64_t *map, const double *table, double *work, const double *v, const double *motion,
                    const double *left, double *v_out, double *motion_out, double *left_out, const double *rhs,
                    double keep, double gain, int tasks) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0), next = grids.level(1);
    const Stencil s = grids.stencil(0);
    const Window window(grids.window(task()), level.plane());
    const Restriction restriction(grids, level, next, s.scale, work + next.rhs, window, task(), tasks);
    const Range range = restriction.range();
    const Interpolation correction(grids, level, next, work + next.v, window);
    run_pass<0>(grids, level, s, window, range, rhs, (double *)nullptr,
                MovedPlanes{level, {keep, gain, s.share}, v, motion, left, v_out, motion_out, correction, window, range},
                KeptRestriction(restriction, level, range, left_out));
}

MLMD_KERNEL(1)
move_tasks(const int64_t *map, const double *table, double *work, const double *v, const double *motion,
           const double *left, double *v_out, double *motion_out, double keep, double gain, int tasks) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0), next = grids.level(1);
    const Window window(grids.window(task()), level.plane());
    const Range range = own_range(level, task(), tasks);
    const Interpolation correction(grids, level, next, work + next.v, window);
    MovedPlanes planes = {level,      {keep, gain, grids.stencil(0).share}, v, motion, left, v_out, motion_out,
                          correction, window,                               range};
    for (int64_t i = range.first; i < range.end; ++i) planes.fill(i);
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

MLMD_KERNEL(1)
pull_items(const int64_t *map, const double *table, double *work, const double *v, const double *rhs, double *left) {
    pull_point({map, table, work}, v, rhs, left, item());
}

MLMD_KERNEL(1)
restrict_items(const int64_t *map, const double *table, double *work, const double *from, int depth) {
    restrict_point({map, table, work}, from, depth, item());
}

MLMD_KERNEL(1)
accelerate_items(const int64_t *map, const double *table, double *work, int depth) {
    accelerate_point({map, table, work}, depth, item());
}

MLMD_KERNEL(1)
move_items(const int64_t *map, const double *table, double *work, double *v, double *motion, const double *left,
           double keep, double gain) {
    move_point({map, table, work}, v, motion, left, keep, gain, item());
}

MLMD_KERNEL(1)
small_group(const int64_t *map, const double *table, double *work, int first) {
    accelerate_small(Group{}, {map, table, work}, first);
}
