// Registers full of interleaved complex numbers: vector registers of the width of the instruction set compiled for, or,
// where the compiler knows none (CUDA, HIP), the few numbers that a thread loads at once.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "rotation.h"

#if defined(__FMA__)
#include <immintrin.h>
#endif

#define MLMD_LAMBDA __attribute__((always_inline))

namespace mlmd {
namespace MLMD_ISA {

#if defined(MLMD_VECTOR_BYTES)
constexpr int VECTOR_BYTES = MLMD_VECTOR_BYTES;
#elif defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

// The type that psi of type T is turned and rotated in: without fused multiply-adds float needs double (rotation.h).
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(MLMD_DEVICE)
template <class T>
using Work = T;
#else
template <class T>
using Work = double;
#endif

#if defined(MLMD_NO_VECTORS)
// What a vector register is elsewhere.
template <class T, int N>
struct alignas(N * sizeof(T)) Few {
    T x[N];
    MLMD_INLINE T operator[](int k) const { return x[k]; }
    MLMD_INLINE T &operator[](int k) { return x[k]; }
    friend MLMD_INLINE Few operator+(Few a, Few b) { return each(a, b, [](T p, T q) { return p + q; }); }
    friend MLMD_INLINE Few operator-(Few a, Few b) { return each(a, b, [](T p, T q) { return p - q; }); }
    friend MLMD_INLINE Few operator-(Few a) { return each(a, a, [](T p, T) { return -p; }); }
    friend MLMD_INLINE Few operator*(Few a, Few b) { return each(a, b, [](T p, T q) { return p * q; }); }
    friend MLMD_INLINE Few operator*(T c, Few b) { return each(b, b, [c](T, T q) { return c * q; }); }
    friend MLMD_INLINE Few operator-(T c, Few b) { return each(b, b, [c](T, T q) { return c - q; }); }

  private:
    template <class F>
    static MLMD_INLINE Few each(Few a, Few b, F &&f) {
        for (int k = 0; k < N; ++k) a.x[k] = f(a.x[k], b.x[k]);
        return a;
    }
};
#endif

// Some whole complex numbers (re, im, re, im, ...) in one register.
template <class T, int BYTES>
struct Pack {
    static constexpr int64_t SIZE = BYTES / sizeof(T);
#if defined(MLMD_NO_VECTORS)
    typedef Few<T, SIZE> Vec;
    typedef Vec Loose;  // a thread loads aligned numbers
#else
    typedef T Vec __attribute__((vector_size(BYTES)));
    typedef T Loose __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));
#endif
    Vec v;

    static MLMD_INLINE Pack load(const T *p) { return {*reinterpret_cast<const Loose *>(p)}; }
    MLMD_INLINE void store(T *p) const { *reinterpret_cast<Loose *>(p) = v; }
    static MLMD_INLINE Pack zero() { return {Vec{}}; }

    static MLMD_INLINE Vec splat(T x) { return x - Vec{}; }

    // (-x, x, -x, x, ...): multiplying swapped numbers by it is multiplying by i x.  The signs are a constant: filled
    // in one by one they cost an instruction each.
    static MLMD_INLINE Vec alternate(T x) { return x * signs(std::make_integer_sequence<int, SIZE>{}); }

    // alternate(im) of im[0] = -x, im[1] = x: in single precision one load.
    static MLMD_INLINE Vec alternate(const T *im) {
#if !defined(MLMD_NO_VECTORS)
        if constexpr (sizeof(T) == sizeof(float) && SIZE > 2) {
            typedef int64_t Wide __attribute__((vector_size(BYTES)));
            int64_t both;
            std::memcpy(&both, im, sizeof both);
            return reinterpret_cast<Vec>(both + Wide{});
        }
#endif
        return alternate(im[1]);
    }

    // (im, re, im, re, ...)
    MLMD_INLINE Pack swapped() const {
#if defined(MLMD_NO_VECTORS)
        Pack y = *this;
        for (int64_t k = 0; k < SIZE; ++k) y.v[k] = v[k ^ 1];
        return y;
#elif defined(__clang__)
        return swapped(std::make_integer_sequence<int, SIZE>{});
#else
        typedef decltype(v < v) Mask;
        Mask mask{};
        for (int64_t k = 0; k < SIZE; ++k) mask[k] = k ^ 1;
        return {__builtin_shuffle(v, mask)};
#endif
    }

    MLMD_INLINE T sum() const {
        T total = 0;
        for (int64_t k = 0; k < SIZE; ++k) total += v[k];
        return total;
    }

  private:
    template <int... K>
    static MLMD_INLINE Vec signs(std::integer_sequence<int, K...>) {
        return Vec{(K % 2 ? T(1) : T(-1))...};
    }
#if defined(__clang__) && !defined(MLMD_NO_VECTORS)
    template <int... K>
    MLMD_INLINE Pack swapped(std::integer_sequence<int, K...>) const {
        return {__builtin_shufflevector(v, v, (K ^ 1)...)};
    }
#endif
};

// Memory that will be needed before long, into the second-level cache, and soon, into the first.  In SYCL for tasks on
// x86 processors alone: what SPIR-V has for it is a call that does nothing there and empties the registers.
MLMD_INLINE void ask_for(const void *p) {
#if defined(__SYCL_DEVICE_ONLY__)
    asm volatile("prefetcht1 (%0)" : : "r"(p));
#elif !defined(MLMD_NO_VECTORS)
    __builtin_prefetch(p, 0, 2);
#endif
}

MLMD_INLINE void ask_soon(const void *p) {
#if defined(__SYCL_DEVICE_ONLY__)
    asm volatile("prefetcht0 (%0)" : : "r"(p));
#elif !defined(MLMD_NO_VECTORS)
    __builtin_prefetch(p, 0, 3);
#endif
}

// a b + c, rounded once where the processor can.
template <class V>
MLMD_INLINE V fused_numbers(V a, V b, V c) {
#if defined(MLMD_NO_VECTORS)
    for (int k = 0; k < static_cast<int>(sizeof(a.x) / sizeof(a.x[0])); ++k) a.x[k] = MLMD_FMA(a.x[k], b.x[k], c.x[k]);
    return a;
#elif defined(MLMD_DEVICE)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

template <class T, int B>
MLMD_INLINE Pack<T, B> fused(typename Pack<T, B>::Vec c, Pack<T, B> x, Pack<T, B> y) {
    return {fused_numbers(c, x.v, y.v)};
}

// c x + y
template <class T, int B>
MLMD_INLINE Pack<T, B> fused(T c, Pack<T, B> x, Pack<T, B> y) {
    return {fused_numbers(Pack<T, B>::splat(c), x.v, y.v)};
}

template <class T, int B>
MLMD_INLINE Pack<T, B> operator+(Pack<T, B> x, Pack<T, B> y) {
    return {x.v + y.v};
}

template <class T, int B>
MLMD_INLINE Pack<T, B> operator*(typename Pack<T, B>::Vec c, Pack<T, B> x) {
    return {c * x.v};
}

// (re + i im) x + y, with im given by Pack::alternate.
template <class T, int B>
MLMD_INLINE Pack<T, B> times(typename Pack<T, B>::Vec re, typename Pack<T, B>::Vec im, Pack<T, B> x, Pack<T, B> y) {
    return {fused_numbers(re, x.v, fused_numbers(im, x.swapped().v, y.v))};
}

template <class T, int B>
MLMD_INLINE Pack<T, B> times(typename Pack<T, B>::Vec re, typename Pack<T, B>::Vec im, Pack<T, B> x) {
    return {fused_numbers(re, x.v, im * x.swapped().v)};
}

template <class T, int B>
MLMD_INLINE Pack<T, B> rounded(Pack<T, B> x) {
#if defined(MLMD_DEVICE)
#elif defined(__x86_64__)
    asm("" : "+x"(x.v));
#elif defined(__aarch64__)
    asm("" : "+w"(x.v));
#endif
    return x;
}

// a b - c in real parts, a b + c in imaginary ones: (re + i im) x is subtract_add(re, x, im * x.swapped()), without a
// register for the signs of im.
template <class T, int B, class Vec = typename Pack<T, B>::Vec>
MLMD_INLINE Pack<T, B> subtract_add(Vec a, Pack<T, B> b, Vec c) {
#if defined(__AVX512F__)
    if constexpr (B == 64 && sizeof(T) == 4) return {reinterpret_cast<Vec>(_mm512_fmaddsub_ps(a, b.v, c))};
    if constexpr (B == 64 && sizeof(T) == 8) return {reinterpret_cast<Vec>(_mm512_fmaddsub_pd(a, b.v, c))};
#endif
#if defined(__FMA__)
    if constexpr (B == 32 && sizeof(T) == 4) return {reinterpret_cast<Vec>(_mm256_fmaddsub_ps(a, b.v, c))};
    if constexpr (B == 32 && sizeof(T) == 8) return {reinterpret_cast<Vec>(_mm256_fmaddsub_pd(a, b.v, c))};
#endif
    return {a * b.v + rounded(Pack<T, B>{Pack<T, B>::alternate(T(1)) * c}).v};
}

// Calls work(Pack tag, i) over the reals 0 <= i < n: full registers first, narrower and narrower ones for the rest.
template <class T, int BYTES = VECTOR_BYTES, class Work>
MLMD_INLINE void for_packs(int64_t n, Work &&work, int64_t i = 0) {
    typedef Pack<T, BYTES> P;
    for (; i + P::SIZE <= n; i += P::SIZE) work(P{}, i);
    if constexpr (P::SIZE > 2) {
        if (i < n) for_packs<T, BYTES / 2>(n, work, i);
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
