// Nonlocal propagator in bf16 parts: packing of Q, and the choice of the unit that multiplies.
#include "nlp_bf16.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

template <class Engine>
void propagate_with(const mlmd_psi &psi, const mlmd_lowrank &op, int threads) {
    if (op.parts == 1) propagate_parts<Engine, 1>(psi, op, threads);
    if (op.parts == 2) propagate_parts<Engine, 2>(psi, op, threads);
    if (op.parts == 3) propagate_parts<Engine, 3>(psi, op, threads);
}

}  // namespace

void nlp_bf16(const mlmd_psi &psi, const mlmd_lowrank &op, const mlmd_launch &launch) {
#if defined(__AVX512F__)
    if (isa_of(launch) == Isa::amx) return propagate_with<Amx>(psi, op, launch.threads);
    if (isa_of(launch) == Isa::v4bf16) return propagate_with<Dot>(psi, op, launch.threads);
#endif
    propagate_with<Plain>(psi, op, launch.threads);
}

void nlp_pack(const float *q, int64_t points, int64_t rank, int parts, void *packed, int threads) {
    Bf16 *to = static_cast<Bf16 *>(packed);
    if (parts == 1) pack_q<1>(q, {points, rank}, to, threads);
    if (parts == 2) pack_q<2>(q, {points, rank}, to, threads);
    if (parts == 3) pack_q<3>(q, {points, rank}, to, threads);
}

#ifdef MLMD_ENTRY
int64_t packed_size(int64_t points, int64_t rank, int parts) {
    if (parts == 1) return Packing<1>{points, rank}.size();
    if (parts == 2) return Packing<2>{points, rank}.size();
    return Packing<3>{points, rank}.size();
}

int64_t work_size(int64_t points, int64_t norb, int64_t rank, int parts, int threads) {
    if (parts == 1) return Layout<1>({points, rank}, norb, threads).bytes;
    if (parts == 2) return Layout<2>({points, rank}, norb, threads).bytes;
    return Layout<3>({points, rank}, norb, threads).bytes;
}
#endif

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(nlp_pack, const float *, int64_t, int64_t, int, void *, int)

int64_t mlmd_nlp_pack_bytes(int64_t points, int64_t rank, int parts) {
    if (points < 1 || rank < 1 || parts < 1 || parts > 3) return 0;
    return static_cast<int64_t>(sizeof(mlmd::MLMD_ISA::Bf16)) * mlmd::MLMD_ISA::packed_size(points, rank, parts);
}

int64_t mlmd_nlp_work_bytes(int64_t points, int64_t norb, int64_t rank, int parts, int threads) {
    if (points < 1 || norb < 1 || rank < 1 || parts < 1 || parts > 3 || threads < 1) return 0;
    return mlmd::MLMD_ISA::work_size(points, norb, rank, parts, threads);
}

mlmd_status mlmd_nlp_pack(const float *q, int64_t points, int64_t rank, int parts, void *packed, int threads) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (!q || !packed) return mlmd::fail(MLMD_BAD_ARGUMENT, "Q or its packed form is missing");
    if (!mlmd_nlp_pack_bytes(points, rank, parts))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "points or rank is below 1, or parts is not 1, 2 or 3");
    MLMD_GUARDED(MLMD_PICK(mlmd::chosen_isa(), nlp_pack)(q, points, rank, parts, packed, threads))
}
#endif
