// What differs between the compilers that share these headers: g++ and clang++ (host), nvcc and NVRTC (CUDA), hipcc,
// and the SYCL compiler.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define MLMD_INLINE __host__ __device__ __forceinline__
#define MLMD_NO_VECTORS
#define MLMD_DEVICE
#elif defined(__GNUC__)
#define MLMD_INLINE inline __attribute__((always_inline))
#else
#define MLMD_INLINE inline
#endif

#if defined(SYCL_LANGUAGE_VERSION)
#include <sycl/sycl.hpp>
#define MLMD_DEVICE
#define MLMD_MATH sycl::
#elif defined(__CUDACC__) || defined(__HIPCC__)
#define MLMD_MATH ::
#else
#include <cmath>
#define MLMD_MATH std::
#endif
// Products and sums are one operation where the sources say so, and on devices nowhere else (-ffp-contract=off); host
// compilers fuse them where the processor can.
#if defined(MLMD_DEVICE)
#define MLMD_FMA(a, b, c) MLMD_MATH fma(a, b, c)
#else
#define MLMD_FMA(a, b, c) ((a) * (b) + (c))
#endif
#define MLMD_SQRT MLMD_MATH sqrt
#define MLMD_COS MLMD_MATH cos
#define MLMD_SIN MLMD_MATH sin
#define MLMD_CBRT MLMD_MATH cbrt
#define MLMD_LOG MLMD_MATH log

// Before a loop of a constant length that indexes registers.
#if defined(__clang__) || defined(__CUDACC__) || defined(__HIPCC__)
#define MLMD_UNROLL _Pragma("unroll")
#else
#define MLMD_UNROLL _Pragma("GCC unroll 16")
#endif
#if defined(__CUDACC_RTC__)
#define MLMD_MEMCPY memcpy
#else
#define MLMD_MEMCPY __builtin_memcpy
#endif
// Before a loop that is long enough as it is.
#if defined(__clang__) || defined(__CUDACC__) || defined(__HIPCC__)
#define MLMD_NO_UNROLL _Pragma("unroll 1")
#else
#define MLMD_NO_UNROLL
#endif

// A function of its own: what is called from many places and inlined, as devices do, takes long to compile.
#define MLMD_APART inline __attribute__((noinline))

#if !defined(MLMD_ISA)
#define MLMD_ISA device
#endif
