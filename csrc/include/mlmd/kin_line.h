// One line of the grid through all sets of its axis, a few items of it in registers at a time: each number is read
// once and written once.  `load(j)` gives a register of item j, `store(j, register)` takes it back; `next(j)` is `load`
// for the items from 2 on, which are asked for one after the other.
#pragma once

#include "kin_axis.h"

namespace mlmd {
namespace MLMD_ISA {

template <bool QUARTERS, class P, class T, class Load, class Next, class Store>
MLMD_INLINE void kin_line_of(int n, bool periodic, const Axis<T> &axis, Load &&load, Next &&next, Store &&store) {
    const bool odd = n & 1;
    P first = load(0), second = load(1), last = odd ? load(n - 1) : first;
    if (odd && periodic) turn_joint(last, first, axis, WRAP);
    turn_set<QUARTERS>(first, second, axis, EVEN);
    // Items 0 and 1 wait for the end of the line; a, b are the last two of those that entered.
    P a = first, b = second;
    MLMD_NO_UNROLL
    for (int j = 2; j + 1 < n; j += 2) {
        P c = next(j), d = next(j + 1);
        turn_set<QUARTERS>(c, d, axis, EVEN);
        turn_set<QUARTERS>(b, c, axis, ODD);
        if (j == 2) {
            second = b;
        } else {
            turn_set<QUARTERS>(a, b, axis, EVEN_AGAIN);
            store(j - 2, a);
            store(j - 1, b);
        }
        a = c;
        b = d;
    }
    if (odd) {
        grow(last, axis, EVEN);
        turn_set<QUARTERS>(b, last, axis, ODD);
        grow(last, axis, EVEN_AGAIN);
    } else if (periodic) {
        turn_joint(b, first, axis, OF_ODD);
    } else {
        grow(b, axis, ODD);
    }
    if (odd || !periodic) grow(first, axis, ODD);
    if (n > 3) {
        turn_set<QUARTERS>(a, b, axis, EVEN_AGAIN);
        store(n / 2 * 2 - 2, a);
        store(n / 2 * 2 - 1, b);
    } else {
        second = b;
    }
    turn_set<QUARTERS>(first, second, axis, EVEN_AGAIN);
    if (odd && periodic) turn_joint(last, first, axis, WRAP_AGAIN);
    if (odd) store(n - 1, last);
    store(0, first);
    store(1, second);
}

template <bool QUARTERS, class P, class T, class Load, class Store>
MLMD_INLINE void kin_line_of(int n, bool periodic, const Axis<T> &axis, Load &&load, Store &&store) {
    kin_line_of<QUARTERS, P>(n, periodic, axis, load, load, store);
}

template <class P, class T, class Load, class Store>
MLMD_INLINE void kin_line(int n, bool periodic, const Axis<T> &axis, Load &&load, Store &&store) {
    if (has_quarters(axis))
        kin_line_of<true, P>(n, periodic, axis, load, store);
    else
        kin_line_of<false, P>(n, periodic, axis, load, store);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
