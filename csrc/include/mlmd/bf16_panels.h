// Products of packed matrices, block by block, with other work laid between the tile products.
//
// A panel is a row of tile pairs along the inner index.  Products run over SPAN pairs at a time, so that the panels
// in use stay in the first-level cache, and the sum of a span is added to the target while the next is computed.
// Spans are also what bounds the growth of rounding errors: sums in a tile are short.
#pragma once

#include <algorithm>

#include "bf16.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int64_t SPAN = 8;

// Rows of floats that a block is added to; only `rows` x `columns` of the block are there.  Earlier spans may have been
// summed in a block of their own, which is added too, and left zero.
struct Target {
    float *data;
    int64_t step, rows, columns;
    float *earlier;
};

// The work that goes on between the tile products: adding the block before, and whatever `Other` does.
template <class Other>
class Aside {
  public:
    explicit Aside(Other &other) : other_(other) {}

    MLMD_INLINE void operator()() {
        add_rows(ROWS);
        other_();
    }

    // Where the next product goes, once what was there before has been added.
    float *buffer() { return blocks_[turn_]; }

    // The product in buffer() is complete and belongs to the target.
    void completed(const Target &target) {
        finish();
        from_ = blocks_[turn_];
        to_ = target;
        left_ = target.rows;
        turn_ ^= 1;
    }

    void finish() { add_rows(BLOCK); }

  private:
    static constexpr int64_t ROWS = BLOCK / SPAN;

    MLMD_INLINE void add_rows(int64_t most) {
        for (int64_t r = std::min(most, left_); r > 0; --r, --left_, from_ += BLOCK, to_.data += to_.step) {
            if (to_.earlier) add_earlier();
            if (to_.columns == BLOCK)
                for (int64_t k = 0; k < BLOCK; ++k) to_.data[k] += from_[k];
            else
                for (int64_t k = 0; k < to_.columns; ++k) to_.data[k] += from_[k];
        }
    }

    MLMD_INLINE void add_earlier() {
        for (int64_t k = 0; k < BLOCK; ++k) from_[k] += to_.earlier[k];
        for (int64_t k = 0; k < BLOCK; ++k) to_.earlier[k] = 0.0f;
        to_.earlier += BLOCK;
    }

    alignas(64) float blocks_[2][BLOCK_SIZE];
    float *from_ = nullptr;
    Target to_ = {};
    int64_t left_ = 0;
    int turn_ = 0;
    Other &other_;
};

// A stack of packed panels, each `steps` tile pairs long.
struct Panels {
    const Bf16 *data;
    int64_t count, steps;
};

// Adds the product of span k of left panel i and right panel j to where(i, j, k).
template <class Engine, int PARTS, class Other, class Where>
MLMD_INLINE void multiply_span(const Panels &a, const Panels &b, int64_t i, int64_t j, int64_t k, Aside<Other> &aside,
                               Where &&where) {
    Engine::template multiply<PARTS>(a.data + (i * a.steps + k) * PARTS * PAIR,
                                     b.data + (j * b.steps + k) * PARTS * PAIR, std::min(SPAN, a.steps - k),
                                     aside.buffer(), aside);
    aside.completed(where(i, j, k));
}

// All products of left and right panels, the right ones staying in the second-level cache.
template <class Engine, int PARTS, class Other, class Where>
void sweep_left(const Panels &a, const Panels &b, Aside<Other> &aside, Where &&where) {
    for (int64_t i = 0; i < a.count; ++i)
        for (int64_t k = 0; k < a.steps; k += SPAN)
            for (int64_t j = 0; j < b.count; ++j) multiply_span<Engine, PARTS>(a, b, i, j, k, aside, where);
}

// The same with the left ones staying there.
template <class Engine, int PARTS, class Other, class Where>
void sweep_right(const Panels &a, const Panels &b, Aside<Other> &aside, Where &&where) {
    for (int64_t j = 0; j < b.count; ++j)
        for (int64_t k = 0; k < a.steps; k += SPAN)
            for (int64_t i = 0; i < a.count; ++i) multiply_span<Engine, PARTS>(a, b, i, j, k, aside, where);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
