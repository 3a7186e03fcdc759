// Overlaps of two sets of wave functions, psi0^H psi dv: the projecting half of the nonlocal propagator.
#include "lowrank.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class T, class U>
void overlaps_of(const mlmd_psi &psi, const mlmd_lowrank &op, double *result, const mlmd_launch &launch) {
    const Sizes n = sizes<T>(psi, op.rank, launch);
    const Scratch<double> sums(launch.threads * n.rank * n.padded);
    project_all<T, U>(static_cast<const U *>(psi.data), static_cast<const T *>(op.q), n, sums.get(),
                      launch.threads);
    for (int64_t r = 0; r < n.rank; ++r)
        for (int64_t k = 0; k < 2 * n.norb; ++k) result[r * 2 * n.norb + k] = op.dv * sums.get()[r * n.padded + k];
}

}  // namespace

void overlap(const mlmd_psi &psi, const mlmd_lowrank &op, double *result, const mlmd_launch &launch) {
    if (psi.type == MLMD_COMPLEX128)
        overlaps_of<double, double>(psi, op, result, launch);
    else if (op.type == MLMD_COMPLEX128)
        overlaps_of<double, float>(psi, op, result, launch);
    else
        overlaps_of<float, float>(psi, op, result, launch);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(overlap, const mlmd_psi &, const mlmd_lowrank &, double *, const mlmd_launch &)

mlmd_status mlmd_overlap(const mlmd_psi *psi, const mlmd_lowrank *op, double *result, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi)) return status;
    if (!op || !op->q || !result || op->rank < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "psi0 or the result is missing");
    if (op->parts || (op->type != MLMD_COMPLEX128 && (op->type != MLMD_COMPLEX64 || psi->type != MLMD_COMPLEX64)))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "psi0's type is unknown, or below that of psi, or it is packed");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), overlap)(*psi, *op, result, *launch))
}
#endif
