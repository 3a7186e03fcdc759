#include "common.h"

#ifdef MLMD_ENTRY

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <string>

#if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__)
#define MLMD_LIBGOMP
#include <unistd.h>
#endif
#if defined(MLMD_HAVE_v2)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace mlmd {
namespace {

constexpr size_t LONGEST = 1024;
thread_local char last_error[LONGEST] = "";
constexpr const char *STATUS_NAMES[] = {"MLMD_OK",          "MLMD_BAD_ARGUMENT",  "MLMD_OUT_OF_MEMORY", "MLMD_INTERNAL_ERROR",
                                        "MLMD_UNSUPPORTED", "MLMD_NOT_CONVERGED", "MLMD_NO_WISDOM",     "MLMD_BAD_FILE"};

#if defined(MLMD_HAVE_v2)
constexpr const char *NAMES[] = {"generic", "v2", "v3", "v4", "v4bf16", "amx"};

// Linux gives the tile registers to a process that asks for them.
bool tiles_granted() {
#if defined(__linux__)
    constexpr long REQUEST_STATE = 0x1023, TILE_DATA = 18;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx & AMX_BF16) || !(edx & AMX_TILE)) return false;
    return syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) == 0;
#else
    return false;
#endif
}

}  // namespace

// What the x86-64 levels hold (System V ABI), by the features that the compilers use of them.
bool runs_here(Isa isa) {
    __builtin_cpu_init();
    if (isa == Isa::v2) return true;
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
    if (isa == Isa::v3 || !v3) return v3;
    const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    if (isa == Isa::v4 || !v4) return v4;
    const bool v4bf16 = __builtin_cpu_supports("avx512bf16");
    return isa == Isa::v4bf16 || !v4bf16 ? v4bf16 : tiles_granted();
}

namespace {

Isa best() {
    for (const Isa isa : {Isa::amx, Isa::v4bf16, Isa::v4, Isa::v3})
        if (runs_here(isa)) return isa;
    return Isa::v2;
}

// The wish in MLMD_ISA, if it names a variant that runs here.
bool wished(Isa *isa) {
    const char *name = std::getenv("MLMD_ISA");
    if (!name || !*name) return false;
    for (const Isa known : {Isa::v2, Isa::v3, Isa::v4, Isa::v4bf16, Isa::amx})
        if (!std::strcmp(name, NAMES[static_cast<int>(known)]) && runs_here(known)) {
            *isa = known;
            return true;
        }
    return false;
}
#endif

std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos)
            return line.substr(line.find(": ") + 2);
    return "processor";
}

// From the text that setup.py gives: NAME=ID, with a space after each.
std::map<std::string, std::string> build_ids() {
    std::map<std::string, std::string> ids;
    const std::string text = MLMD_BUILD_IDS;
    for (size_t begin = 0, end; (end = text.find(' ', begin)) != std::string::npos; begin = end + 1) {
        const std::string entry = text.substr(begin, end - begin);
        ids[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
    }
    return ids;
}

// Whether the pairs of a sweep lie on the grid and have no point in common.
bool fits(const mlmd_psi &psi, const mlmd_sweep &s) {
    if (s.axis < 0 || s.axis > 2 || s.start < 0 || s.count < 0) return false;
    const int64_t n = psi.n[s.axis], end = s.start + 2 * static_cast<int64_t>(s.count);
    if (s.count == 0) return !s.wrap || n > 1;
    return s.wrap ? s.start > 0 && end < n : end <= n;
}

bool finite(const mlmd_kinetic &how) {
    bool all = std::isfinite(how.phase) && std::isfinite(how.before) && std::isfinite(how.after);
    for (double theta : how.theta) all = all && std::isfinite(theta);
    for (int64_t k = 0; k < how.nsweeps; ++k) all = all && std::isfinite(how.sweeps[k].angle);
    return all;
}

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
    std::snprintf(last_error, LONGEST, "%s", text);
    return status;
}

mlmd_status check(int threads) {
    if (threads < 1) return fail(MLMD_BAD_ARGUMENT, "threads is below 1");
#if defined(MLMD_LIBGOMP)
    // libgomp keeps a team for the next region of the same thread; a forked process would wait for it for ever.
    static thread_local pid_t owner = 0;
    if (threads > 1 && !owner) owner = getpid();
    if (threads > 1 && owner != getpid())
        return fail(MLMD_UNSUPPORTED, "this process was forked from one whose threads it does not have: "
                                      "use one thread here, or start processes by spawn");
#endif
    return MLMD_OK;
}

mlmd_status check(const mlmd_launch *launch) {
    if (!launch) return fail(MLMD_BAD_ARGUMENT, "launch is null");
    if (launch->isa < 0 || launch->isa > static_cast<int>(Isa::amx) || launch->block < 0 || launch->form < 0 ||
        launch->schedule < MLMD_STATIC || launch->schedule > MLMD_DYNAMIC)
        return fail(MLMD_BAD_ARGUMENT, "isa, schedule, block or form of the launch is out of its range");
    if (launch->isa > static_cast<int>(chosen_isa()))
        return fail(MLMD_UNSUPPORTED, "the instruction set of the launch is not here, or not allowed by MLMD_ISA");
    return check(launch->threads);
}

mlmd_status check(const mlmd_psi *psi) {
    if (!psi || !psi->data) return fail(MLMD_BAD_ARGUMENT, "psi is null");
    if (psi->n[0] < 1 || psi->n[1] < 1 || psi->n[2] < 1 || psi->norb < 1)
        return fail(MLMD_BAD_ARGUMENT, "psi has an axis without points, or no orbitals");
    if (psi->type != MLMD_COMPLEX64 && psi->type != MLMD_COMPLEX128)
        return fail(MLMD_BAD_ARGUMENT, "psi has an unknown type");
    return MLMD_OK;
}

mlmd_status check(const mlmd_psi *psi, const mlmd_kinetic *how) {
    if (const mlmd_status status = check(psi)) return status;
    if (!how || !how->sweeps || how->nsweeps < 1) return fail(MLMD_BAD_ARGUMENT, "sweeps are missing");
    if (how->steps < 0) return fail(MLMD_BAD_ARGUMENT, "steps is below 0");
    for (int64_t n : psi->n)
        if (n > std::numeric_limits<int32_t>::max()) return fail(MLMD_BAD_ARGUMENT, "an axis has 2^31 points or more");
    for (int64_t k = 0; k < how->nsweeps; ++k)
        if (!fits(*psi, how->sweeps[k]))
            return fail(MLMD_BAD_ARGUMENT, "a sweep reaches beyond the grid, or two of its pairs share a point");
    if (!finite(*how)) return fail(MLMD_BAD_ARGUMENT, "an angle, a phase or a time is not finite");
    return MLMD_OK;
}

mlmd_status check(const mlmd_box &box) {
    for (int axis = 0; axis < 3; ++axis) {
        if (box.n[axis] < 1) return fail(MLMD_BAD_ARGUMENT, "the box has an axis without points");
        if (!(box.h[axis] > 0.0)) return fail(MLMD_BAD_ARGUMENT, "a grid spacing is not above zero");
    }
    return MLMD_OK;
}

mlmd_status check(const mlmd_edges *edges) {
    if (!edges || !edges->begin) return fail(MLMD_BAD_ARGUMENT, "edges are null");
    if (edges->atoms < 0 || edges->rows < 1 || edges->columns < 1 || edges->channels < 1)
        return fail(MLMD_BAD_ARGUMENT, "the edges have fewer than 0 atoms, or a form without rows, columns or channels");
    if (edges->type != MLMD_FLOAT32 && edges->type != MLMD_FLOAT64)
        return fail(MLMD_BAD_ARGUMENT, "the numbers on the edges have an unknown type");
    for (int64_t n = 0; n < edges->atoms; ++n)
        if (edges->begin[0] != 0 || edges->begin[n] > edges->begin[n + 1])
            return fail(MLMD_BAD_ARGUMENT, "the edges do not begin at 0, or an atom's begin after the next one's");
    return MLMD_OK;
}

}  // namespace mlmd

const char *mlmd_device(void) {
    static const std::string device = mlmd::processor() + ", " + mlmd_isa();
    return device.c_str();
}

const char *mlmd_build_id(const char *kernel) {
    static const std::map<std::string, std::string> ids = mlmd::build_ids();
    const auto found = ids.find(kernel ? kernel : "");
    return found == ids.end() ? nullptr : found->second.c_str();
}

const char *mlmd_last_error(void) { return mlmd::last_error; }

const char *mlmd_status_name(int32_t status) {
    const auto count = static_cast<int>(std::size(mlmd::STATUS_NAMES));
    return status >= 0 && status < count ? mlmd::STATUS_NAMES[status] : "unknown status";
}

int32_t mlmd_abi_version(void) { return MLMD_ABI_VERSION; }

mlmd_status mlmd_require_abi(int32_t version) {
    if (version == MLMD_ABI_VERSION) return MLMD_OK;
    const std::string text = "the program was compiled with the header of ABI " + std::to_string(version) +
                             " of mlmd_kernels, the library is of ABI " + std::to_string(MLMD_ABI_VERSION) +
                             ": compile the program with the header that came with the library";
    return mlmd::fail(MLMD_UNSUPPORTED, text.c_str());
}

const char *mlmd_isa(void) {
#if defined(MLMD_HAVE_v2)
    return mlmd::NAMES[static_cast<int>(mlmd::chosen_isa())];
#else
    return "generic";
#endif
}

#endif
