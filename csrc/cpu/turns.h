// The turns of a wave on stretches of memory.  A stretch is as long as a point's orbitals, or a line of them; its
// length is an integral constant where the compiler should unroll, a plain number elsewhere.
#pragma once

#include "gauge.h"
#include "mlmd/chain.h"
#include "wave.h"

namespace mlmd {
namespace MLMD_ISA {

template <class T, class Length>
MLMD_INLINE void turn_pair(T *a, T *b, T t, Length n) {
    for_packs<T>(n, [&](auto tag, int64_t i) MLMD_LAMBDA {
        typedef decltype(tag) P;
        P x = P::load(a + i), y = P::load(b + i);
        turn_numbers(x, y, t);
        x.store(a + i);
        y.store(b + i);
    });
}

// The tangents of a chain, or in the first place that of a pair.
template <class T>
MLMD_INLINE void set_tangents(const Turn &turn, T tangent[3]) {
    tangent[0] = static_cast<T>(turn.re);
    tangent[1] = static_cast<T>(turn.im);
    tangent[2] = static_cast<T>(turn.c);
}

// As `chain` on stretches; `leave(pack of a, i)` and so on stand for what becomes of a and b before they are stored.
template <class T, class Length, class LeaveA, class LeaveB>
MLMD_INLINE void turn_chain(T *a, T *b, T *c, T *d, const T tangent[3], Length n, LeaveA &&leave_a, LeaveB &&leave_b) {
    for_packs<T>(n, [&](auto tag, int64_t i) MLMD_LAMBDA {
        typedef decltype(tag) P;
        P v = P::load(a + i), w = P::load(b + i), x = P::load(c + i), y = P::load(d + i);
        chain(v, w, x, y, tangent);
        leave_a(v).store(a + i);
        leave_b(w).store(b + i);
        x.store(c + i);
        y.store(d + i);
    });
}

// Not inlined: next to one another, the compiler shares products between the kinds of turns, which takes them out of
// the fused multiply-adds that the low parts need.
template <class T>
__attribute__((noinline)) void turn_general(T *a, T *b, const Turn &turn, int64_t n) {
    if constexpr (sizeof(Work<T>) == sizeof(T)) {
        for_packs<T>(n, [&](auto tag, int64_t i) MLMD_LAMBDA {
            typedef decltype(tag) P;
            P x = P::load(a + i), y = P::load(b + i);
            rotate(x, y, P::splat(turn.c), P::splat(turn.low), P::splat(turn.re), P::alternate(turn.im));
            x.store(a + i);
            y.store(b + i);
        });
    } else {
        for (int64_t i = 0; i < n; i += 2) {
            Complex<double> x = {a[i], a[i + 1]}, y = {b[i], b[i + 1]};
            rotate(x, y, turn.c, turn.low, turn.re, turn.im);
            a[i] = static_cast<T>(x.re);
            a[i + 1] = static_cast<T>(x.im);
            b[i] = static_cast<T>(y.re);
            b[i + 1] = static_cast<T>(y.im);
        }
    }
}

// x on its way in.
template <class P, class T>
MLMD_INLINE P entered(P x, const Gauge<T> &gauge) {
    return subtract_add(P::splat(gauge.in.re), x, P::splat(gauge.in.im) * x.swapped().v);
}

// (high + low) x
template <class P, class T>
MLMD_INLINE P scaled(P x, const Factor<T> &high, const Factor<T> &low) {
    if constexpr (sizeof(Work<T>) == sizeof(T)) {
        const P swapped = x.swapped();
        const P least = subtract_add(P::splat(low.re), x, P::splat(low.im) * swapped.v);
        return subtract_add(P::splat(high.re), x, subtract_add(P::splat(high.im), swapped, least.v).v);
    } else {
        for (int64_t k = 0; k < P::SIZE; k += 2) {
            const Complex<double> number = {x.v[k], x.v[k + 1]};
            const Complex<double> y = turn<Complex<double>, double>(high.re, high.im, low.re, low.im, number);
            x.v[k] = static_cast<T>(y.re);
            x.v[k + 1] = static_cast<T>(y.im);
        }
        return x;
    }
}

template <class T, class Length>
MLMD_INLINE void scale_stretch(T *a, const Factor<T> &high, const Factor<T> &low, Length n) {
    for_packs<T>(n, [&](auto tag, int64_t i) MLMD_LAMBDA { scaled(decltype(tag)::load(a + i), high, low).store(a + i); });
}

template <class T>
__attribute__((noinline)) void turn_lone(T *a, const Turn &turn, int64_t n) {
    scale_stretch(a, factor<T>(turn.c, 0.0), factor<T>(turn.low, 0.0), n);
}

// One turn on the stretches at(item), each of n reals.
template <class T, class At, class Length>
MLMD_INLINE void apply(const Turn &turn, const At &at, Length n) {
    T *a = at(turn.item[0]), *b = at(turn.item[1]);
    T tangent[3];
    set_tangents(turn, tangent);
    const auto stay = [](auto x) MLMD_LAMBDA { return x; };
    if (turn.kind == Kind::chain)
        turn_chain(a, b, at(turn.item[2]), at(turn.item[3]), tangent, n, stay, stay);
    else if (turn.kind == Kind::pair)
        turn_pair(a, b, tangent[0], n);
    else if (turn.kind == Kind::general)
        turn_general(a, b, turn, n);
    else
        turn_lone(a, turn, n);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
