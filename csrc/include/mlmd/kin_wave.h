// As kin_line, with items that are stretches of memory (lines of a plane, planes of the grid) and stay there: the
// last four that entered are turned together while they are in a cache.
#pragma once

#include "several.h"

namespace mlmd {
namespace MLMD_ISA {

// at(j): memory of item j, SIDES stretches `apart` reals from one another, each so many points of `width` reals;
// leave(j, point, place, registers) is what becomes of a finished one.
template <int SIDES, class T, class Width, class At, class Leave>
class Stretches {
  public:
    Stretches(const Axis<T> &axis, const At &at, const Leave &leave, int64_t points, Width width, int64_t apart)
        : axis_(axis), at_(at), leave_(leave), points_(points), width_(width), apart_(apart),
          turned_(has_quarters(axis)) {}

    MLMD_APART void set(int a, int b, int which) const {
        two(a, b, [&](auto &x, auto &y) MLMD_LAMBDA { turn_set<true>(x, y, axis_, which); });
    }
    MLMD_APART void joint(int a, int b, int which) const {
        two(a, b, [&](auto &x, auto &y) MLMD_LAMBDA { turn_joint(x, y, axis_, which); });
    }
    MLMD_APART void grow_item(int a, int which) const {
        two(a, a, [&](auto &x, auto &y) MLMD_LAMBDA {
            grow(x, axis_, which);
            y = x;
        });
    }

    MLMD_APART void finish(int a) const {
        T *from = at_(a);
        const int64_t apart = apart_;
        each([&](auto tag, int64_t point, int64_t i) MLMD_LAMBDA {
            leave_(a, point, i, decltype(tag)::load(from + i, apart)).store(from + i, apart);
        });
    }

    // Items j - 2 to j + 1, of which the last two are new and the first two are finished.
    MLMD_APART void chain_of(int j) const {
        if (turned_) {
            set(j, j + 1, EVEN);
            set(j - 1, j, ODD);
            set(j - 2, j - 1, EVEN_AGAIN);
            finish(j - 2);
            finish(j - 1);
            return;
        }
        // Copies: stores to psi might change the originals, as compilers see it.
        T *pa = at_(j - 2), *pb = at_(j - 1), *pc = at_(j), *pd = at_(j + 1);
        const T *pe = at_(j + 2), *pf = at_(j + 3);  // asked for early; past the end they are not read
        const T tangent[3] = {axis_.tangent[0], axis_.tangent[1], axis_.tangent[2]};
        const int64_t apart = apart_;
        const Leave leave = leave_;
        each([&](auto tag, int64_t point, int64_t i) MLMD_LAMBDA {
            typedef decltype(tag) P;
            ask_for(pe + i);
            ask_for(pf + i);
            P a = P::load(pa + i, apart), b = P::load(pb + i, apart);
            P c = P::load(pc + i, apart), d = P::load(pd + i, apart);
            chain(a, b, c, d, tangent);
            leave(j - 2, point, i, a).store(pa + i, apart);
            leave(j - 1, point, i, b).store(pb + i, apart);
            c.store(pc + i, apart);
            d.store(pd + i, apart);
        });
    }

  private:
    // Calls work(registers tag, point, place of the registers).
    template <class Work>
    MLMD_INLINE void each(Work &&work) const {
        const int64_t points = points_;
        const Width width = width_;
        for (int64_t p = 0; p < points; ++p)
            for_packs<T>(width, [&](auto tag, int64_t i) MLMD_LAMBDA {
                work(Several<decltype(tag), SIDES>{}, p, p * width + i);
            });
    }

    template <class Work>
    void two(int a, int b, Work &&work) const {
        T *pa = at_(a), *pb = at_(b);
        const int64_t apart = apart_;
        each([&](auto tag, int64_t, int64_t i) MLMD_LAMBDA {
            auto x = decltype(tag)::load(pa + i, apart), y = decltype(tag)::load(pb + i, apart);
            work(x, y);
            x.store(pa + i, apart);
            y.store(pb + i, apart);
        });
    }

    const Axis<T> axis_;  // a copy: stores to psi might change the original, as compilers see it
    const At at_;
    const Leave leave_;
    int64_t points_;
    Width width_;
    int64_t apart_;
    bool turned_;
};

// `enter(j)` is called before an item is first used.  Where it can, `enter_two(j)` brings items j and j + 1 and does
// what chain_of(j) would; else it returns false.
template <class Items, class Enter, class EnterTwo>
MLMD_APART void kin_wave(int n, bool periodic, const Items &items, Enter &&enter, EnterTwo &&enter_two) {
    const bool odd = n & 1;
    for (int k = odd ? -1 : 0; k < 2; ++k) enter(k < 0 ? n - 1 : k);
    if (odd && periodic) items.joint(n - 1, 0, WRAP);
    items.set(0, 1, EVEN);
    for (int j = 2; j + 1 < n; j += 2) {
        if (j > 2 && enter_two(j)) continue;
        for (int k = j; k < j + 2; ++k) enter(k);
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
