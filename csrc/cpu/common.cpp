#include "common.h"

#ifdef MLMD_ENTRY

#include <cstring>

namespace mlmd {
namespace {

thread_local const char *last_error = "";

#if defined(MLMD_HAVE_v2)
constexpr const char *NAMES[] = {"v2", "v3", "v4"};

// What the x86-64 levels hold (System V ABI), by the features that the compilers use of them.
bool runs_here(Isa isa) {
    __builtin_cpu_init();
    if (isa == Isa::v2) return true;
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
    if (isa == Isa::v3 || !v3) return v3;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

Isa best() {
    if (runs_here(Isa::v4)) return Isa::v4;
    return runs_here(Isa::v3) ? Isa::v3 : Isa::v2;
}

// The wish in MLMD_ISA, if it names a variant that runs here.
bool wished(Isa *isa) {
    const char *name = std::getenv("MLMD_ISA");
    if (!name || !*name) return false;
    for (int k = 0; k < 3; ++k) {
        *isa = static_cast<Isa>(k);
        if (!std::strcmp(name, NAMES[k]) && runs_here(*isa)) return true;
    }
    return false;
}
#endif

}  // namespace

Isa chosen_isa() {
#if defined(MLMD_HAVE_v2)
    static const Isa isa = [] {
        Isa wish;
        return wished(&wish) ? wish : best();
    }();
    return isa;
#else
    return Isa::generic;
#endif
}

mlmd_status fail(mlmd_status status, const char *text) {
    last_error = text;
    return status;
}

mlmd_status check(const mlmd_psi *psi, int threads) {
    if (threads < 1) return fail(MLMD_BAD_ARGUMENT, "threads is below 1");
    if (!psi || !psi->data) return fail(MLMD_BAD_ARGUMENT, "psi is null");
    if (psi->n[0] < 1 || psi->n[1] < 1 || psi->n[2] < 1 || psi->norb < 1)
        return fail(MLMD_BAD_ARGUMENT, "psi has an axis without points, or no orbitals");
    if (psi->type != MLMD_COMPLEX64 && psi->type != MLMD_COMPLEX128)
        return fail(MLMD_BAD_ARGUMENT, "psi has an unknown type");
    return MLMD_OK;
}

mlmd_status check(const mlmd_box &box, int threads) {
    if (threads < 1) return fail(MLMD_BAD_ARGUMENT, "threads is below 1");
    for (int axis = 0; axis < 3; ++axis) {
        if (box.n[axis] < 1) return fail(MLMD_BAD_ARGUMENT, "the box has an axis without points");
        if (!(box.h[axis] > 0.0)) return fail(MLMD_BAD_ARGUMENT, "a grid spacing is not above zero");
    }
    return MLMD_OK;
}

}  // namespace mlmd

const char *mlmd_last_error(void) { return mlmd::last_error; }

const char *mlmd_isa(void) {
#if defined(MLMD_HAVE_v2)
    return mlmd::NAMES[static_cast<int>(mlmd::chosen_isa())];
#else
    return "generic";
#endif
}

#endif
