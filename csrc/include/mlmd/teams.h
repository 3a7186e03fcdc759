// A group of work items as a team: its items divide work among them, and add up numbers in an order that is always the
// same.
#pragma once

#include "group.h"

namespace mlmd {
namespace MLMD_ISA {

// Which item of how many this is.
struct Team {
    int64_t rank, size;
    MLMD_ON_DEVICE void wait() const { wait_for_group(); }
};

MLMD_ON_DEVICE Team own_team() { return {here().item, GROUP}; }
MLMD_ON_DEVICE int64_t own_item() { return here().group * GROUP + here().item; }

// The sum of n numbers by one group, in an order that depends on n and the group's size only; `x` is overwritten.
MLMD_ON_DEVICE double sum_small(const Team &team, double *x, int64_t n) {
    double total = 0.0;
    for (int64_t p = team.rank; p < n; p += team.size) total += x[p];
    team.wait();
    if (team.rank < n) x[team.rank] = total;
    team.wait();
    int64_t left = team.size < n ? team.size : n;
    while (left > 1) {
        const int64_t half = (left + 1) / 2;
        if (team.rank + half < left) x[team.rank] += x[team.rank + half];
        team.wait();
        left = half;
    }
    return x[0];
}

}  // namespace MLMD_ISA
}  // namespace mlmd
