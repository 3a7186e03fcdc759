// Kernels of the local potential and of its energies, a point for each work item; on processors, too, where the
// compiler makes vector code of neighbouring items.
#pragma once

#include "local_potential.h"
#include "teams.h"

using namespace mlmd::MLMD_ISA;

// v = base + change + v_xc(n)
MLMD_GROUP_KERNEL update_items(const double *base, const double *change, const double *density, double *v,
                               int64_t points) {
    const int64_t p = own_item();
    if (p < points) v[p] = base[p] + change[p] + lda_potential(density[p]);
}

// Sums over some points for each item: local, Hartree, exchange and correlation energy, `items` numbers each.
MLMD_GROUP_KERNEL energies_items(const double *density, const double *density0, const double *v_ion,
                                 const double *v_hartree0, const double *change, double *parts, int64_t points,
                                 int items) {
    const int64_t first = own_item();
    if (first >= items) return;
    double local = 0.0, hartree = 0.0, exchange = 0.0, correlation = 0.0;
    for (int64_t p = first; p < points; p += items) {
        const double n = density[p], inside = n > DENSITY_FLOOR ? n : 0.0;
        const double rs = radius(n > DENSITY_FLOOR ? n : DENSITY_FLOOR);
        local += v_ion[p] * n;
        hartree += (v_hartree0[p] + 0.5 * change[p]) * (n - density0[p]);
        exchange -= inside * SLATER / rs;
        correlation += inside * pw92(rs).energy;
    }
    parts[first] = local;
    parts[items + first] = hartree;
    parts[2 * items + first] = exchange;
    parts[3 * items + first] = correlation;
}

// One group for each of the sums.
MLMD_GROUP_KERNEL energies_group(double *parts, double *energies, int items) {
    const Team team = own_team();
    const double sum = sum_small(team, parts + here().group * items, items);
    if (team.rank == 0) energies[here().group] = sum;
}
