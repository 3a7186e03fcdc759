#include "packed.h"

#include <algorithm>
#include <complex>

#include "plan.h"

namespace {

constexpr int64_t CACHE_LINE = 64;

mlmd_status check(const mlmd_domain *on, const void *from, const void *to, int threads) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (const mlmd_status status = mlmd::check(mlmd::Problem{"packing", on})) return status;
    if (!from || !to || from == to) return mlmd::fail(MLMD_BAD_ARGUMENT, "psi or packed is null, or they are the same");
    return MLMD_OK;
}

// Calls move(the orbitals of a point in psi, in packed, how many) for each point and block.
template <class Move>
void each_part(const mlmd_domain &on, int threads, Move &&move) {
    const int64_t points = on.grid.n[0] * on.grid.n[1] * on.grid.n[2], lanes = mlmd::lanes(on.type);
#pragma omp parallel for collapse(2) num_threads(threads) schedule(static)
    for (int64_t block = 0; block < mlmd::blocks(on); ++block)
        for (int64_t p = 0; p < points; ++p)
            move(p * on.norb + block * lanes, (block * points + p) * lanes, std::min(lanes, on.norb - block * lanes));
}

template <class T>
void pack(const mlmd_domain &on, const T *psi, T *packed, int threads) {
    each_part(on, threads, [=, width = mlmd::lanes(on.type)](int64_t from, int64_t to, int64_t count) {
        std::fill(std::copy_n(psi + from, count, packed + to), packed + to + width, T(0));
    });
}

template <class T>
void unpack(const mlmd_domain &on, const T *packed, T *psi, int threads) {
    each_part(on, threads,
              [=](int64_t to, int64_t from, int64_t count) { std::copy_n(packed + from, count, psi + to); });
}

}  // namespace

int64_t mlmd_packed_bytes(const mlmd_domain *on) {
    if (mlmd::check(mlmd::Problem{"packing", on})) return 0;
    return mlmd::blocks(*on) * on->grid.n[0] * on->grid.n[1] * on->grid.n[2] * CACHE_LINE;
}

mlmd_status mlmd_pack(const mlmd_domain *on, const void *psi, void *packed, int threads) {
    if (const mlmd_status status = check(on, psi, packed, threads)) return status;
    if (on->type == MLMD_COMPLEX64)
        pack(*on, static_cast<const std::complex<float> *>(psi), static_cast<std::complex<float> *>(packed), threads);
    else
        pack(*on, static_cast<const std::complex<double> *>(psi), static_cast<std::complex<double> *>(packed), threads);
    return MLMD_OK;
}

mlmd_status mlmd_unpack(const mlmd_domain *on, const void *packed, void *psi, int threads) {
    if (const mlmd_status status = check(on, packed, psi, threads)) return status;
    if (on->type == MLMD_COMPLEX64)
        unpack(*on, static_cast<const std::complex<float> *>(packed), static_cast<std::complex<float> *>(psi), threads);
    else
        unpack(*on, static_cast<const std::complex<double> *>(packed), static_cast<std::complex<double> *>(psi),
               threads);
    return MLMD_OK;
}
