// Norm, bond sums and density: blocks of lines, each done by one thread.
#include <algorithm>

#include "common.h"
#include "mlmd/current.h"
#include "weights.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t CACHE_BYTES = 768 * 1024;  // of two planes of a block
constexpr int64_t PLANES = 4;                // of a piece of work

template <class P, class T>
class Grid {
  public:
    Grid(const mlmd_psi &psi, const double *f, const int32_t *periodic, int64_t planes)
        : planes_(planes), weights_(f, psi.norb), zeros_(weights_.width()),
          lattice_{static_cast<const T *>(psi.data), zeros_.get(), {psi.n[0], psi.n[1], psi.n[2]}, weights_.width(),
                   {periodic[0], periodic[1], periodic[2]}} {
        std::fill_n(zeros_.get(), weights_.width(), T(0));
        const int64_t line = psi.n[2] * weights_.width() * sizeof(T);
        height_ = std::clamp<int64_t>(CACHE_BYTES / (2 * line), 1, psi.n[1]);
    }

    int64_t items() const { return steps() * ((lattice_.n[1] + height_ - 1) / height_); }

    // The sums of an item: some planes of a block of lines; n is null or the density.
    void item_sums(int64_t item, double *n, double *sums) const {
        const int64_t x = item % steps() * planes_, y = item / steps() * height_;
        block_sums<P>(lattice_, x, std::min(x + planes_, lattice_.n[0]), y, std::min(y + height_, lattice_.n[1]),
                      weights_, sums, [n](int64_t point, double density) MLMD_LAMBDA { if (n) n[point] = density; });
    }

  private:
    int64_t steps() const { return (lattice_.n[0] + planes_ - 1) / planes_; }

    int64_t planes_;
    Weights<P> weights_;
    Scratch<T> zeros_;
    Lattice<T> lattice_;
    int64_t height_;
};

// Each item has its own sums, added in order at the end: the same bits for any number of threads.
template <class P, class T>
void bond_sums(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *n, double *sums,
               const mlmd_launch &launch) {
    const Grid<P, T> grid(psi, f, periodic, launch.block ? launch.block : PLANES);
    const int64_t items = grid.items();
    Scratch<double> parts(items * TERMS);
    std::fill_n(parts.get(), items * TERMS, 0.0);
    each_item(launch, items, [&](int64_t item) { grid.item_sums(item, n, parts.get() + item * TERMS); });
    std::fill_n(sums, 8, 0.0);
    for (int64_t item = 0; item < items; ++item)
        for (int64_t k = 0; k < TERMS; ++k) sums[k ? k + 1 : 0] += parts.get()[item * TERMS + k] * dv;
}

}  // namespace

void current(const mlmd_psi &psi, const double *f, const int32_t *periodic, double dv, double *n, double *sums,
             const mlmd_launch &launch) {
    with_pack(2 * psi.norb, [&](auto tag) {
        typedef decltype(tag) P;
        if (psi.type == MLMD_COMPLEX64)
            bond_sums<P, float>(psi, f, periodic, dv, n, sums, launch);
        else
            bond_sums<P, double>(psi, f, periodic, dv, n, sums, launch);
    });
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(current, const mlmd_psi &, const double *, const int32_t *, double, double *, double *, const mlmd_launch &)

mlmd_status mlmd_current(const mlmd_psi *psi, const double *f, const int32_t *periodic, double dv, double *n,
                         double *sums, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi)) return status;
    if (!f || !periodic || !sums) return mlmd::fail(MLMD_BAD_ARGUMENT, "f, periodic or sums is null");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), current)(*psi, f, periodic, dv, n, sums, *launch))
}
#endif
