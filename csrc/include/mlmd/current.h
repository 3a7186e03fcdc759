// Norm, bond sums of the three axes and the density of a part of a line of the grid, in one read of psi.
//
// A line runs along one axis, whose next point stays in registers; the neighbours along the two others are read again
// as points of their own, from a cache if lines are swept in good order.
#pragma once

#include "widen.h"

namespace mlmd {
namespace MLMD_ISA {

constexpr int TERMS = 7;  // norm, then re and im of the three bond sums

// Grid points along an axis; step is 0 for the zeros beyond a Dirichlet end.
template <class T>
struct Points {
    const T *first;
    int64_t step;
    MLMD_INLINE const T *at(int64_t i) const { return first + i * step; }
};

// A line of points, the lines next to it along the axes after its own (of x, y, z, x, y), and the neighbour of its
// last point.
template <class T>
struct Place {
    Points<T> here, right, up;
    const T *after;
};

// psi, and zeros to stand for what is beyond its ends.
template <class T>
struct Lattice {
    const T *psi, *zeros;
    int64_t n[3], width;
    int periodic[3];

    // The line along `axis` through a point.
    template <int axis>
    MLMD_INLINE Place<T> place(const int64_t from[3]) const {
        const Points<T> here = points<axis>(from);
        return {here, ahead<axis, (axis + 1) % 3>(from), ahead<axis, (axis + 2) % 3>(from),
                periodic[axis] ? here.first : zeros};
    }

  private:
    template <int axis>
    MLMD_INLINE Points<T> points(const int64_t from[3]) const {
        const int64_t at[3] = {axis == 0 ? 0 : from[0], axis == 1 ? 0 : from[1], axis == 2 ? 0 : from[2]};
        return {psi + ((at[0] * n[1] + at[1]) * n[2] + at[2]) * width,
                width * (axis == 0 ? n[1] * n[2] : axis == 1 ? n[2] : 1)};
    }

    template <int axis, int to>
    MLMD_INLINE Points<T> ahead(const int64_t from[3]) const {
        if (from[to] + 1 == n[to] && !periodic[to]) return {zeros, 0};
        int64_t next[3] = {from[0], from[1], from[2]};
        next[to] = from[to] + 1 == n[to] ? 0 : from[to] + 1;
        return points<axis>(next);
    }
};

// Sums over the lanes of conj(x) y of the bonds of the three axes.
template <class P>
struct Bonds {
    P even[3], odd[3];
    MLMD_INLINE Bonds() {
        MLMD_UNROLL
        for (int axis = 0; axis < 3; ++axis) even[axis] = odd[axis] = P::zero();
    }

    MLMD_INLINE void add(int axis, P x, P swapped, P y) {
        even[axis].v = x.v * y.v + even[axis].v;
        odd[axis].v = swapped.v * y.v + odd[axis].v;
    }

    MLMD_INLINE void add_to(double *sums) const {
        MLMD_UNROLL
        for (int axis = 0; axis < 3; ++axis) {
            sums[2 * axis] += total(even[axis]);
            sums[2 * axis + 1] += total(P::alternate(1.0) * odd[axis]);
        }
    }
};

template <int axis, int POINTS, class P, class T, class Orbitals>
MLMD_INLINE void add_points(const Place<T> &place, int64_t i, const T *after, const Orbitals &orbitals,
                            Bonds<P> &bonds, double *n) {
    P squares[POINTS];
    MLMD_UNROLL
    for (int q = 0; q < POINTS; ++q) squares[q] = P::zero();
    orbitals.each([&](int64_t s, P weight) MLMD_LAMBDA {
        P x = widened<P>(place.here.at(i) + s);
        MLMD_UNROLL
        for (int q = 0; q < POINTS; ++q) {
            const P next = widened<P>((q + 1 < POINTS ? place.here.at(i + q + 1) : after) + s);
            const P weighted = weight.v * x, swapped = weighted.swapped();
            squares[q].v = weighted.v * x.v + squares[q].v;
            const T *right = place.right.at(i + q) + s;
            orbitals.ask_after(right);
            bonds.add((axis + 1) % 3, weighted, swapped, widened<P>(right));
            bonds.add((axis + 2) % 3, weighted, swapped, widened<P>(place.up.at(i + q) + s));
            bonds.add(axis, weighted, swapped, next);
            x = next;
        }
    });
    MLMD_UNROLL
    for (int q = 0; q < POINTS; ++q) n[q] = orbitals.sum(squares[q]);
}

// The points from `begin` to `end` of a line of n; write(i, density) is called for each.
template <int axis, class P, class T, class Orbitals, class Write>
MLMD_INLINE void line_sums(const Place<T> &place, int64_t begin, int64_t end, int64_t n, const Orbitals &orbitals,
                           double *sums, Write &&write) {
    Bonds<P> bonds;
    double norm = 0.0;
    int64_t i = begin;
    for (; i + 1 < end && i + 2 < n; i += 2) {
        double two[2];
        add_points<axis, 2, P>(place, i, place.here.at(i + 2), orbitals, bonds, two);
        write(i, two[0]);
        write(i + 1, two[1]);
        norm += two[0];
        norm += two[1];
    }
    for (; i < end; ++i) {
        double one;
        add_points<axis, 1, P>(place, i, i + 1 < n ? place.here.at(i + 1) : place.after, orbitals, bonds, &one);
        write(i, one);
        norm += one;
    }
    sums[0] += norm;
    bonds.add_to(sums + 1);
}

// Some lines along z of some planes, the planes in turn: the plane ahead is still in a cache when its turn comes.
template <class P, class T, class Orbitals, class Write>
MLMD_INLINE void block_sums(const Lattice<T> &lattice, int64_t x0, int64_t x1, int64_t y0, int64_t y1,
                            const Orbitals &orbitals, double *sums, Write &&write) {
    for (int64_t x = x0; x < x1; ++x)
        for (int64_t y = y0; y < y1; ++y) {
            const int64_t from[3] = {x, y, 0}, line = (x * lattice.n[1] + y) * lattice.n[2];
            line_sums<2, P>(lattice.template place<2>(from), 0, lattice.n[2], lattice.n[2], orbitals, sums,
                            [&](int64_t z, double density) MLMD_LAMBDA { write(line + z, density); });
        }
}

}  // namespace MLMD_ISA
}  // namespace mlmd
