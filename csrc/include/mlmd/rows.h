// Loops over a stretch of doubles in vector registers: full ones first, narrower and narrower ones for the rest.
#pragma once

#include "simd.h"

namespace mlmd {
namespace MLMD_ISA {

struct OneDouble {
    typedef double Vec;
    static MLMD_INLINE double get(const double *p) { return *p; }
    static MLMD_INLINE void put(double *p, double x) { *p = x; }
};

template <int BYTES>
struct Doubles {
    typedef typename Pack<double, BYTES>::Vec Vec;
    static MLMD_INLINE Vec get(const double *p) { return Pack<double, BYTES>::load(p).v; }
    static MLMD_INLINE void put(double *p, Vec x) { Pack<double, BYTES>{x}.store(p); }
};

// Calls work(tag, k) over begin <= k < end, where the tag says how many numbers, and how to get and put them.
template <class Work>
MLMD_INLINE void for_doubles(int64_t begin, int64_t end, Work &&work) {
    int64_t k = begin;
    for (; k + 8 <= end; k += 8) work(Doubles<64>{}, k);
    if (k + 4 <= end) work(Doubles<32>{}, k), k += 4;
    if (k + 2 <= end) work(Doubles<16>{}, k), k += 2;
    if (k < end) work(OneDouble{}, k);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
