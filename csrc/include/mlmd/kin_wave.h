// As kin_line, with items that are stretches of memory (lines of a plane, planes of the grid) and stay there: the
// last four that entered are turned together while they are in a cache.
#pragma once

#include "chain.h"
#include "kin_axis.h"

namespace mlmd {
namespace MLMD_ISA {

// at(j): memory of item j, so many points of `width` reals; leave(j, point, register) is what becomes of a finished one.
template <class T, class At, class Leave>
class Stretches {
  public:
    Stretches(const Axis<T> &axis, const At &at, const Leave &leave, int64_t points, int64_t width)
        : axis_(axis), at_(at), leave_(leave), points_(points), width_(width), turned_(has_quarters(axis)) {}

    void set(int a, int b, int which) const {
        two(a, b, [&](auto &x, auto &y) { turn_set<true>(x, y, axis_, which); });
    }
    void joint(int a, int b, int which) const {
        two(a, b, [&](auto &x, auto &y) { turn_joint(x, y, axis_, which); });
    }
    void grow_item(int a, int which) const {
        two(a, a, [&](auto &x, auto &y) {
            grow(x, axis_, which);
            y = x;
        });
    }

    void finish(int a) const {
        T *from = at_(a);
        each([&](auto tag, int64_t point, int64_t i) MLMD_LAMBDA {
            leave_(a, point, decltype(tag)::load(from + i)).store(from + i);
        });
    }

    // Items j - 2 to j + 1, of which the last two are new and the first two are finished.
    void chain_of(int j) const {
        if (turned_) {
            set(j, j + 1, EVEN);
            set(j - 1, j, ODD);
            set(j - 2, j - 1, EVEN_AGAIN);
            finish(j - 2);
            finish(j - 1);
            return;
        }
        T *pa = at_(j - 2), *pb = at_(j - 1), *pc = at_(j), *pd = at_(j + 1);
        const T tangent[3] = {axis_.tangent[0], axis_.tangent[1], axis_.tangent[2]};
        each([&](auto tag, int64_t point, int64_t i) MLMD_LAMBDA {
            typedef decltype(tag) P;
            P a = P::load(pa + i), b = P::load(pb + i), c = P::load(pc + i), d = P::load(pd + i);
            chain(a, b, c, d, tangent);
            leave_(j - 2, point, a).store(pa + i);
            leave_(j - 1, point, b).store(pb + i);
            c.store(pc + i);
            d.store(pd + i);
        });
    }

  private:
    // Calls work(register tag, point, place of the register).
    template <class Work>
    MLMD_INLINE void each(Work &&work) const {
        for (int64_t p = 0; p < points_; ++p)
            for_packs<T>(width_, [&](auto tag, int64_t i) MLMD_LAMBDA { work(tag, p, p * width_ + i); });
    }

    template <class Work>
    void two(int a, int b, Work &&work) const {
        T *pa = at_(a), *pb = at_(b);
        each([&](auto tag, int64_t, int64_t i) MLMD_LAMBDA {
            auto x = decltype(tag)::load(pa + i), y = decltype(tag)::load(pb + i);
            work(x, y);
            x.store(pa + i);
            y.store(pb + i);
        });
    }

    const Axis<T> axis_;  // a copy: stores to psi might change the original, as compilers see it
    const At at_;
    const Leave leave_;
    int64_t points_, width_;
    bool turned_;
};

// `enter(j)` is called before an item is first used.
template <class T, class At, class Leave, class Enter>
inline void kin_wave(int n, bool periodic, const Stretches<T, At, Leave> &items, Enter &&enter) {
    const bool odd = n & 1;
    if (odd) enter(n - 1);
    enter(0);
    enter(1);
    if (odd && periodic) items.joint(n - 1, 0, WRAP);
    items.set(0, 1, EVEN);
    for (int j = 2; j + 1 < n; j += 2) {
        enter(j);
        enter(j + 1);
        if (j == 2) {
            items.set(2, 3, EVEN);
            items.set(1, 2, ODD);
        } else {
            items.chain_of(j);
        }
    }
    const int end = n / 2 * 2;  // of the pairs of E
    if (odd) {
        items.grow_item(n - 1, EVEN);
        items.set(n - 2, n - 1, ODD);
        items.grow_item(n - 1, EVEN_AGAIN);
    } else if (periodic) {
        items.joint(n - 1, 0, OF_ODD);
    } else {
        items.grow_item(n - 1, ODD);
    }
    if (odd || !periodic) items.grow_item(0, ODD);
    if (n > 3) {
        items.set(end - 2, end - 1, EVEN_AGAIN);
        items.finish(end - 2);
        items.finish(end - 1);
    }
    items.set(0, 1, EVEN_AGAIN);
    if (odd && periodic) items.joint(n - 1, 0, WRAP_AGAIN);
    if (odd) items.finish(n - 1);
    items.finish(0);
    items.finish(1);
}

}  // namespace MLMD_ISA
}  // namespace mlmd
