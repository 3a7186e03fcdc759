// Norm, bond sums and density on a GPU: each point of a tile in y and z belongs to `lanes` work items of a group,
// which walk along x; their neighbours in the tile find what they read in the cache that the group shares.
#pragma once

#include "current.h"
#include "lanes.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int TILE_Y = 4;
constexpr int WARPS = GROUP / LANES;

template <class P, class T>
MLMD_ON_DEVICE void current_items(const Lattice<T> &lattice, const double *f, double *n, int with_n, double *parts,
                                  double *shared, int64_t walk, int lanes) {
    const Here at = here();
    const int64_t nx = lattice.n[0], ny = lattice.n[1], nz = lattice.n[2];
    const int lane = at.item % lanes, place = at.item / lanes, tile_z = GROUP / lanes / TILE_Y;
    const int64_t along_y = (ny + TILE_Y - 1) / TILE_Y, along_z = (nz + tile_z - 1) / tile_z;
    const int64_t tiles = along_y * along_z, all = tiles * ((nx + walk - 1) / walk);
    const SharedOrbitals<P> orbitals(f, lattice.width, lane, lanes);
    double sums[TERMS] = {};
    for (int64_t block = at.group; block < all; block += at.groups) {
        const int64_t tile = block % tiles, begin = block / tiles * walk, end = begin + walk < nx ? begin + walk : nx;
        const int64_t y = tile / along_z * TILE_Y + place / tile_z, z = tile % along_z * tile_z + place % tile_z;
        const bool inside = y < ny && z < nz;  // all walk, as all take part in the sums over lanes
        const int64_t from[3] = {0, y < ny ? y : ny - 1, z < nz ? z : nz - 1};
        const bool writes = with_n != 0 && inside && lane == 0;
        double own[TERMS] = {};
        line_sums<0, P>(lattice.template place<0>(from), begin, end, nx, orbitals, own,
                        [&](int64_t x, double density) { if (writes) n[(x * ny + y) * nz + z] = density; });
        if (lane != 0) own[0] = 0.0;  // all lanes have it
        MLMD_UNROLL
        for (int k = 0; k < TERMS; ++k) sums[k] += inside ? own[k] : 0.0;
    }
    MLMD_UNROLL
    for (int k = 0; k < TERMS; ++k) {
        const double sum = lane_sum(sums[k], LANES);
        if (at.item % LANES == 0) shared[at.item / LANES * TERMS + k] = sum;
    }
    wait_for_group();
    if (at.item >= TERMS) return;
    double sum = 0.0;
    for (int warp = 0; warp < WARPS; ++warp) sum += shared[warp * TERMS + at.item];
    parts[at.group * TERMS + at.item] = sum;
}

// One group adds the parts, LANES work items a term, and writes norm, 0, and the three complex bond sums.
MLMD_ON_DEVICE void current_totals(const double *parts, double *sums, int64_t count, double dv) {
    const Here at = here();
    const int term = at.item / LANES, lane = at.item % LANES;
    double sum = 0.0;
    if (term < TERMS)
        for (int64_t k = lane; k < count; k += LANES) sum += parts[k * TERMS + term];
    sum = lane_sum(sum, LANES) * dv;
    if (lane == 0 && term < TERMS) sums[term ? term + 1 : 0] = sum;
    if (at.item == 1) sums[1] = 0.0;
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#define MLMD_CURRENT_ITEMS(T, bytes, name)                                                                      \
    MLMD_GROUP_KERNEL current_##name(const T *psi, const double *f, const T *zeros, double *n, double *parts,   \
                                     int64_t nx, int64_t ny, int64_t nz, int64_t width, int px, int py, int pz, \
                                     int with_n, int64_t walk, int lanes) {                                     \
        MLMD_GROUP_MEMORY(double, mlmd::device::WARPS *mlmd::device::TERMS, shared);                            \
        const mlmd::device::Lattice<T> lattice = {psi, zeros, {nx, ny, nz}, width, {px, py, pz}};               \
        mlmd::device::current_items<mlmd::device::Pack<double, (bytes) / sizeof(T) * sizeof(double)>>(          \
            lattice, f, n, with_n, parts, shared, walk, lanes);                                                 \
    }

MLMD_CURRENT_ITEMS(float, 16, f32x2)
MLMD_CURRENT_ITEMS(float, 8, f32)
MLMD_CURRENT_ITEMS(double, 16, f64)

MLMD_GROUP_KERNEL current_totals(const double *parts, double *sums, int64_t count, double dv) {
    mlmd::device::current_totals(parts, sums, count, dv);
}
