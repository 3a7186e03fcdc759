// What the kernels on the edges of a neighbour list share: atoms as pieces of work, channels in registers.
#pragma once

#include <type_traits>

#include "common.h"
#include "mlmd/simd.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int TILE = 8;  // registers of sums

// Calls work(atom) for each; a piece of work is `block` atoms.
template <class Work>
void each_atom(const mlmd_edges &edges, const mlmd_launch &launch, Work &&work) {
    const int64_t block = launch.block ? launch.block : 1;
    each_item(launch, (edges.atoms + block - 1) / block, [&](int64_t item) {
        const int64_t end = std::min((item + 1) * block, edges.atoms);
        for (int64_t atom = item * block; atom < end; ++atom) work(atom);
    });
}

// Calls work(Pack tag) with the widest register that the channels fill without a rest.
template <class T, int BYTES = VECTOR_BYTES, class Work>
void with_channels(int64_t channels, Work &&work) {
    typedef Pack<T, BYTES> P;
    if constexpr (P::SIZE > 1) {
        if (channels % P::SIZE) return with_channels<T, BYTES / 2>(channels, work);
    }
    work(P{});
}

// The same with the type of the numbers.
template <class Work>
void with_numbers(const mlmd_edges &edges, Work &&work) {
    if (edges.type == MLMD_FLOAT32)
        with_channels<float>(edges.channels, [&](auto tag) { work(tag, float()); });
    else
        with_channels<double>(edges.channels, [&](auto tag) { work(tag, double()); });
}

// Calls work(how many as a constant, first) for parts of 0 ... n - 1 that are as equal as they can be, TILE at most.
template <class Work>
MLMD_INLINE void in_tiles(int64_t n, Work &&work) {
    const int64_t parts = (n + TILE - 1) / TILE;
    for (int64_t part = 0, first = 0; part < parts; ++part) {
        const int64_t end = n * (part + 1) / parts;
        switch (end - first) {
            case 1: work(std::integral_constant<int, 1>(), first); break;
            case 2: work(std::integral_constant<int, 2>(), first); break;
            case 3: work(std::integral_constant<int, 3>(), first); break;
            case 4: work(std::integral_constant<int, 4>(), first); break;
            case 5: work(std::integral_constant<int, 5>(), first); break;
            case 6: work(std::integral_constant<int, 6>(), first); break;
            case 7: work(std::integral_constant<int, 7>(), first); break;
            default: work(std::integral_constant<int, 8>(), first);
        }
        first = end;
    }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
