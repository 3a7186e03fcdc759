#include "levels.h"

#include <algorithm>
#include <cmath>

namespace mlmd {
namespace {

constexpr double STRONG = 1.5;  // an axis is coarsened if its spacing is within this factor of the closest one
constexpr double SHARE = 0.5;   // of the Jacobi correction of each level
constexpr double SPREAD = 8.0;  // largest eigenvalue of -M^-1 laplacian over the smallest one
constexpr int POWER_STEPS = 12;
constexpr double MARGIN = 1.02;

int64_t points(const mlmd_box &box) { return box.n[0] * box.n[1] * box.n[2]; }

// The next grid, without its spacings.
mlmd_box coarser(const mlmd_box &box) {
    double closest = INFINITY;
    for (int axis = 0; axis < 3; ++axis)
        if (box.n[axis] > 1) closest = std::min(closest, box.h[axis]);
    mlmd_box next = box;
    for (int axis = 0; axis < 3; ++axis)
        if (box.n[axis] > 1 && box.h[axis] <= STRONG * closest)
            next.n[axis] = box.periodic[axis] ? (box.n[axis] + 1) / 2 : box.n[axis] / 2;
    return next;
}

// Weights of the two Jacobi sweeps; on one point the inverse of the diagonal.
void set_weights(const mlmd_box &next, mlmd_level *level) {
    const mlmd_box &box = level->box;
    double diagonal = 0.0, widest = 0.0;
    for (int axis = 0; axis < 3; ++axis) {
        if (box.n[axis] > 1 || !box.periodic[axis]) diagonal += 2.0 / (box.h[axis] * box.h[axis]);
        if (next.n[axis] < box.n[axis]) widest = std::max(widest, box.h[axis]);
    }
    level->weight[0] = diagonal > 0.0 ? 1.0 / diagonal : 0.0;
    level->weight[1] = 0.0;
    if (widest == 0.0) return;
    const double low = 2.0 / (widest * widest * diagonal), high = 2.0;
    const double middle = 0.5 * (high + low), swing = 0.5 * (high - low) * std::cos(0.25 * M_PI);
    level->weight[0] = 1.0 / (diagonal * (middle + swing));
    level->weight[1] = 1.0 / (diagonal * (middle - swing));
}

double root_mean_square(const std::vector<double> &x) {
    double sum = 0.0;
    for (double value : x) sum += value * value;
    return std::sqrt(sum / x.size());
}

// Largest part of an error that the sweeps of a call leave.
double remainder(int32_t sweeps) { return 1.0 / std::cosh(sweeps * std::acosh((SPREAD + 1.0) / (SPREAD - 1.0))); }

}  // namespace

std::vector<mlmd_level> make_levels(const mlmd_box &box) {
    std::vector<mlmd_level> levels;
    mlmd_box next = box;
    do {
        mlmd_level level = {next, {}};
        for (int axis = 0; axis < 3; ++axis) {
            const int64_t end = !box.periodic[axis];
            level.box.h[axis] = (box.n[axis] + end) * box.h[axis] / (next.n[axis] + end);
        }
        next = coarser(level.box);
        set_weights(next, &level);
        levels.push_back(level);
    } while (points(levels.back().box) > 1);
    return levels;
}

Friction::Friction(int32_t sweeps, double fastest) {
    const double centre = 0.5 * fastest * (1.0 + 1.0 / SPREAD), half = 0.5 * fastest * (1.0 - 1.0 / SPREAD);
    keep.push_back(0.0);
    gain.push_back(1.0 / centre);
    double last = half / centre;
    for (int32_t k = 1; k < sweeps; ++k) {
        const double now = 1.0 / (2.0 * centre / half - last);
        keep.push_back(now * last);
        gain.push_back(2.0 * now / half);
        last = now;
    }
}

double fastest_mode(const std::vector<mlmd_level> &levels, const mlmd_launch &launch) {
    const int64_t *n = levels[0].box.n, size = points(levels[0].box);
    const double none = 0.0, one = 1.0;
    const mlmd_friction single = {&none, &one, 1};
    std::vector<double> still(size, 0.0), charges(size, 0.0), x(size, 0.0), pull(size);
    const int64_t longest = std::max({n[0], n[1], n[2]});
    for (const auto &[part, charge] : {std::pair<int64_t, double>(2, 1.0), {3, 0.5}, {longest, -0.7}})
        charges[(n[0] / part * n[1] + n[1] / part) * n[2] + n[2] / part] += charge;
    const auto accelerate = [&](std::vector<double> *v, std::vector<double> *motion, const std::vector<double> &rhs) {
        return mlmd_dsa(v->data(), motion->data(), rhs.data(), levels.data(), levels.size(), &single, &launch);
    };
    std::vector<double> rest = still;
    accelerate(&rest, &x, charges);
    for (int step = 0; step < POWER_STEPS; ++step) {
        const double scale = 1.0 / root_mean_square(x);
        for (double &value : x) value *= scale;
        std::fill(pull.begin(), pull.end(), 0.0);
        accelerate(&x, &pull, still);
        x = pull;
    }
    return std::max(2.0 * SHARE, MARGIN * root_mean_square(x));
}

int predictor_order(int32_t sweeps) {
    int order = 0;
    while (order < 2 && remainder(sweeps) < 1.0 / ((4 << order) - 1)) ++order;
    return order;
}

}  // namespace mlmd
