#include "items.h"

#include "mlmd/hartree_fields_items.h"

namespace mlmd {
namespace device {

// Calls work(tag, p) over the points of this task.
template <class Work>
inline void over_task(int64_t points, int tasks, Work &&work) {
    for_doubles(points * task() / tasks, points * (task() + 1) / tasks, work);
}

}  // namespace device
}  // namespace mlmd

using namespace mlmd::device;

MLMD_KERNEL(1)
sum_tasks(const double *x, double *parts, int64_t points, int tasks) {
    typedef Doubles<64> D;
    typename D::Vec lanes{}, more{};
    int64_t p = points * task() / tasks;
    const int64_t end = points * (task() + 1) / tasks;
    for (; p + 16 <= end; p += 16) {
        lanes += D::get(x + p);
        more += D::get(x + p + 8);
    }
    lanes += more;
    double total = 0.0;
    for (int lane = 0; lane < 8; ++lane) total += lanes[lane];
    for (; p < end; ++p) total += x[p];
    parts[task()] = total;
}

MLMD_KERNEL(1)
source_tasks(const double *n, const double *parts, int count, double *rhs, int64_t points, int tasks) {
    const double mean = mean_of(parts, count, points);
    over_task(points, tasks, [&](auto tag, int64_t p) { source(tag, n, mean, rhs, p); });
}

MLMD_KERNEL(1)
centre_tasks(const double *parts, int count, double *v, int64_t points, int tasks) {
    const double mean = mean_of(parts, count, points);
    over_task(points, tasks, [&](auto tag, int64_t p) { centre(tag, mean, v, p); });
}

MLMD_KERNEL(1)
predict_tasks(double *v, double *before, const double *velocity, const double *acceleration, int order, int64_t points,
              int tasks) {
    over_task(points, tasks, [&](auto tag, int64_t p) { predict(tag, v, before, velocity, acceleration, order, p); });
}

MLMD_KERNEL(1)
follow_tasks(const double *v, const double *before, double *velocity, double *acceleration, int64_t points,
             int tasks) {
    over_task(points, tasks, [&](auto tag, int64_t p) { follow(tag, v, before, velocity, acceleration, p); });
}
