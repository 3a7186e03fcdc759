// Norm, bond sums and density in tasks for the threads of a processor; apart from those of current.cpp, since they ask
// for memory in the processor's own language.
#include "items.h"

#include "mlmd/current.h"
#include "mlmd/orbitals.h"

namespace mlmd {
namespace device {

// A task: some planes of a block of lines.
template <class P, class T>
inline void current_task(const Lattice<T> &lattice, const double *f, double *n, int with_n, double *parts,
                         int64_t planes, int64_t height) {
    const int64_t steps = (lattice.n[0] + planes - 1) / planes;
    const int64_t x0 = task() % steps * planes, y0 = task() / steps * height;
    const int64_t x1 = x0 + planes < lattice.n[0] ? x0 + planes : lattice.n[0];
    const int64_t y1 = y0 + height < lattice.n[1] ? y0 + height : lattice.n[1];
    double sums[TERMS] = {};
    block_sums<P>(lattice, x0, x1, y0, y1, AllOrbitals<P>(f, lattice.width), sums,
                  [&](int64_t point, double density) MLMD_LAMBDA { if (with_n) n[point] = density; });
    for (int k = 0; k < TERMS; ++k) parts[task() * TERMS + k] = sums[k];
}

}  // namespace device
}  // namespace mlmd

#define MLMD_CURRENT_TASKS(T, name)                                                                                 \
    MLMD_KERNEL(1)                                                                                                  \
    current_tasks_##name(const T *psi, const double *f, const T *zeros, double *n, double *parts, int64_t nx,       \
                         int64_t ny, int64_t nz, int64_t width, int px, int py, int pz, int with_n, int64_t planes, \
                         int64_t height) {                                                                          \
        const mlmd::device::Lattice<T> lattice = {psi, zeros, {nx, ny, nz}, width, {px, py, pz}};                   \
        mlmd::device::with_pack(width, [&](auto tag) MLMD_LAMBDA {                     \
            mlmd::device::current_task<decltype(tag)>(lattice, f, n, with_n, parts, planes, height);                \
        });                                                                                                         \
    }

MLMD_CURRENT_TASKS(float, f32)
MLMD_CURRENT_TASKS(double, f64)
