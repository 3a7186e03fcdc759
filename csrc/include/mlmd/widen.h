// Sums over wave functions of either precision in double precision.
#pragma once

#include "simd.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace mlmd {
namespace MLMD_ISA {

// As many reals as a register P holds in double precision, converted if need be.
template <class P, class T>
MLMD_INLINE P widened(const T *p) {
    if constexpr (sizeof(T) == sizeof(double)) {
        return P::load(p);
#if defined(MLMD_NO_VECTORS)
    } else {
        const auto few = Pack<T, P::SIZE * sizeof(T)>::load(p);
        P x;
        for (int k = 0; k < P::SIZE; ++k) x.v[k] = few.v[k];
        return x;
    }
#else
#if defined(__AVX512F__)
    } else if constexpr (sizeof(P) == 64) {  // compilers convert half a register at a time and join the halves
        return {reinterpret_cast<typename P::Vec>(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p)))};
#endif
    } else {
        typedef float Half __attribute__((vector_size(P::SIZE * sizeof(float)), aligned(sizeof(float)), may_alias));
        return {__builtin_convertvector(*reinterpret_cast<const Half *>(p), typename P::Vec)};
    }
#endif
}

#if !defined(MLMD_NO_VECTORS)
// Lane k gets lane k ^ step.
template <class P, int... K>
MLMD_INLINE P crossed(P x, int step, std::integer_sequence<int, K...>) {
#if defined(__clang__)
    const typename P::Vec moved = {x.v[K ^ step]...};
    return {moved};
#else
    const decltype(x.v < x.v) mask = {(K ^ step)...};
    return {__builtin_shuffle(x.v, mask)};
#endif
}
#endif

// Sum over the lanes, by halves.
template <class P>
MLMD_INLINE double total(P x) {
#if defined(MLMD_NO_VECTORS)
    return x.sum();
#else
    MLMD_UNROLL
    for (int step = P::SIZE / 2; step > 0; step /= 2)
        x = x + crossed(x, step, std::make_integer_sequence<int, P::SIZE>{});
    return x.v[0];
#endif
}

// In SYCL, asks memory for numbers that lie some way after those at p: a processor's own foresight ends with the page,
// and pages of unified shared memory are small.
constexpr int64_t AHEAD_BYTES = 2048;

template <class T>
MLMD_INLINE void fetch_ahead(const T *p, int64_t numbers) {
#if defined(SYCL_LANGUAGE_VERSION) && defined(__SYCL_DEVICE_ONLY__)
    typedef const __attribute__((opencl_global)) char *Global;
    __spirv_ocl_prefetch((Global)(p + AHEAD_BYTES / sizeof(T)), numbers * sizeof(T));
#else
    (void)p, (void)numbers;
#endif
}

// Asks memory for what lies a good way after p, and the second-level cache for what is nearer; for the threads of a
// processor alone.
MLMD_INLINE void ask_far_and_near(const void *p) {
    constexpr int64_t FAR_BYTES = 8192, NEAR_BYTES = 2048;
    ask_for(static_cast<const char *>(p) + FAR_BYTES);
    ask_soon(static_cast<const char *>(p) + NEAR_BYTES);
}

// Calls work(Pack tag) with the widest register that the orbitals of a grid point fill.
template <int BYTES = VECTOR_BYTES, class Work>
MLMD_INLINE void with_pack(int64_t width, Work &&work) {
    typedef Pack<double, BYTES> P;
    if constexpr (P::SIZE > 2) {
        if (width < P::SIZE) return with_pack<BYTES / 2>(width, work);
    }
    work(P{});
}

}  // namespace MLMD_ISA
}  // namespace mlmd
