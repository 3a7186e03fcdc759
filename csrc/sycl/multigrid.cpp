#include "items.h"

#include "mlmd/multigrid_items.h"
#include "mlmd/poisson_pass.h"

namespace mlmd {
namespace device {

// Where the fields of grid k are: the finest one has the caller's.
struct Fields {
    double *v;
    const double *rhs;
};

inline Fields fields(const Hierarchy &grids, const Level &level, int depth, double *v, const double *rhs) {
    return depth == 0 ? Fields{v, rhs} : Fields{grids.work + level.v, grids.work + level.rhs};
}

// Sweeps from v (the coarser grids: from zeros) to level.a, the residual to the next grid.
inline void descend(const Hierarchy &grids, int depth, double *v, const double *rhs, int64_t task, int64_t tasks) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    const Stencil s = grids.stencil(depth);
    const Window window(grids.window(task), level.plane());
    const Fields given = fields(grids, level, depth, v, rhs);
    Restriction take(grids, level, next, s.scale, grids.work + next.rhs, window, task, tasks);
    const Range range = take.range();
    double *out = grids.work + level.a;
    if (depth == 0)
        run_pass<2>(grids, level, s, window, range, given.rhs, out, Given{level, given.v}, take);
    else
        run_pass<1>(grids, level, s, window, range, given.rhs, out,
                    FromZeros{level, given.rhs, s.weight[0], window}, take);
}

// Sweeps from level.a and the correction to v; with `squares`, those of the residual of each plane.
template <bool SQUARES>
inline void ascend(const Hierarchy &grids, int depth, double *v, const double *rhs, int64_t task, int64_t tasks) {
    const Level level = grids.level(depth), next = grids.level(depth + 1);
    const Window window(grids.window(task), level.plane());
    const Fields given = fields(grids, level, depth, v, rhs);
    const Interpolation correction(grids, level, next, grids.work + next.v, window);
    const Range range = own_range(level, task, tasks);
    const Stencil s = grids.stencil(depth);
    CorrectedPlanes start = {level, grids.work + level.a, correction, window};
    if constexpr (SQUARES)
        run_pass<2>(grids, level, s, window, range, given.rhs, given.v, start,
                    Squares{grids.sums(), window.at(Window::ROW), level.n[2]});
    else
        run_pass<2>(grids, level, s, window, range, given.rhs, given.v, start, Nothing{});
}

}  // namespace device
}  // namespace mlmd

using namespace mlmd::device;

MLMD_KERNEL(1)
descend_tasks(const int64_t *map, const double *table, double *work, double *v, const double *rhs, int depth,
              int tasks) {
    descend({map, table, work}, depth, v, rhs, task(), tasks);
}

MLMD_KERNEL(1)
ascend_tasks(const int64_t *map, const double *table, double *work, double *v, const double *rhs, int depth,
             int tasks, int squares) {
    const Hierarchy grids = {map, table, work};
    if (squares)
        ascend<true>(grids, depth, v, rhs, task(), tasks);
    else
        ascend<false>(grids, depth, v, rhs, task(), tasks);
}

MLMD_KERNEL(1)
small_task(const int64_t *map, const double *table, double *work, int first) {
    const Hierarchy grids = {map, table, work};
    const int last = static_cast<int>(grids.levels()) - 1;
    for (int k = first; k < last; ++k) descend(grids, k, nullptr, nullptr, 0, 1);
    work[grids.level(last).v] = grids.stencil(last).weight[0] * work[grids.level(last).rhs];
    for (int k = last - 1; k >= first; --k) ascend<false>(grids, k, nullptr, nullptr, 0, 1);
}

// The squares of each plane of the residual, or of rhs itself.
MLMD_KERNEL(1)
squares_tasks(const int64_t *map, const double *table, double *work, const double *v, const double *rhs, int tasks,
              int of_rhs) {
    const Hierarchy grids = {map, table, work};
    const Level level = grids.level(0);
    const Window window(grids.window(task()), level.plane());
    const Range range = own_range(level, task(), tasks);
    Squares take = {grids.sums(), window.at(Window::ROW), level.n[2]};
    if (!of_rhs)
        return run_pass<0>(grids, level, grids.stencil(0), window, range, rhs, (double *)nullptr, Given{level, v},
                           take);
    for (int64_t i = range.first; i < range.end; ++i) {
        take.begin_plane(i);
        for (int64_t iy = 0; iy < level.n[1]; ++iy) take.take(i, iy, rhs + (i * level.n[1] + iy) * level.n[2]);
        take.end_plane(i);
    }
}

// The squares of the residual, or of rhs itself, some points for each item.
