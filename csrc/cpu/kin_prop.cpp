// Kinetic propagator in one pass over psi.
//
// The grid is a column of planes, planes are columns of lines, lines of points; each axis has its wave (wave.h).
// When a plane is loaded its lines get the waves of y and z in the first-level cache, then the wave of x turns it
// against the three planes before, which are still in a cache, and finished planes leave; where all three
// waves are chains and a point fills a register, they go on in the registers (corner.h).  Orbitals that are too many
// for that are best kept in several blocks; in one wide grid the wave of x makes a pass of its own, line by line.
#include <algorithm>
#include <unistd.h>

#include "common.h"
#include "corner.h"
#include "gauge.h"
#include "turns.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t LEAST_RANGE = 6;  // planes
constexpr int64_t CACHE_LINE = 64;  // bytes of a point in packed wave functions
constexpr int64_t PAGE = 4096;      // bytes after which the first-level cache repeats itself

// Arrivals begin, begin + 2, ... below end that are one chain each, the same in all, with nothing between them.
template <class T>
struct Chains {
    int64_t begin, end;
    T tangent[3];
};

template <class T>
Chains<T> first_run(const std::vector<Arrival> &arrivals) {
    const auto is_chain = [&](size_t k) {
        return arrivals[k].turns.size() == 1 && arrivals[k].turns[0].kind == Kind::chain;
    };
    size_t begin = 0;
    while (begin < arrivals.size() && !is_chain(begin)) ++begin;
    if (begin == arrivals.size()) return {-1, -1, {}};
    const Turn &first = arrivals[begin].turns[0];
    size_t end = begin;
    while (end < arrivals.size() && is_chain(end) && arrivals[end - 1].turns.empty() &&
           arrivals[end].turns[0].re == first.re && arrivals[end].turns[0].im == first.im &&
           arrivals[end].turns[0].c == first.c)
        end += 2;
    if (end == begin) return {-1, -1, {}};
    Chains<T> run = {static_cast<int64_t>(begin), static_cast<int64_t>(end), {}};
    set_tangents(first, run.tangent);
    return run;
}

template <class T>
struct Step {
    Wave wave[3];
    Chains<T> chains;  // of the wave along z
    Gauges<T> gauges;
};

// One block of orbitals: grid[x][y][z][width], width in reals.
template <class T, class Width>
class Block {
  public:
    Block(T *grid, const int64_t n[3], Width width, const Step<T> &step)
        : grid_(grid), n_(n), width_(width), line_(n[2] * width), step_(step) {}

    // Planes of one range as they come, two at a time, of which the second is odd: the one that chains end with.
    void first_pass(int64_t begin, int64_t end) const {
        for (int64_t x = begin, next; x < end; x = next) {
            next = std::min(x + 2 - x % 2, end);
            for (int64_t y = 0; y < n_[1];) {
                if (next == x + 2 && is_corner(y)) {
                    enter_corner(x, y);
                    y += 2;
                } else {
                    enter_lines(x, next, y);
                    y += 1;
                }
            }
        }
    }

    // What joins the ranges, on one line of each plane.
    void second_pass(int64_t y) const {
        for (const Arrival &arrival : step_.wave[0].rest) turn_planes(arrival, y, 0, n_[2]);
    }

  private:
    typedef Pack<T, VECTOR_BYTES> Widest;
    static constexpr bool PACKED = std::is_class_v<Width>;  // a point is a cache line
    static constexpr bool CORNERS = PACKED && sizeof(Widest) == CACHE_LINE;

    T *line(int64_t x, int64_t y) const { return grid_ + (x * n_[1] + y) * line_; }

    // Whether lines y and y + 1 are such that y and z have chains.  Lines of whole pages lie on one another in the
    // first-level cache: not twelve of them at once.
    bool is_corner(int64_t y) const {
        const bool apart = line_ * static_cast<int64_t>(sizeof(T)) % PAGE != 0;
        return CORNERS && apart && step_.chains.begin >= 0 && y + 1 < n_[1] && chain_ends(step_.wave[1], y + 1);
    }

    // Item k brings a chain and the one before nothing.
    static bool chain_ends(const Wave &wave, int64_t k) {
        const Arrival &before = wave.first[k - 1];
        return before.turns.empty() && before.finished.empty() && is_chain_that_leaves(wave.first[k]);
    }

    // Line y of some planes: what y is done with turns against the planes before at once, in the first-level cache.
    void enter_lines(int64_t x, int64_t next, int64_t y) const {
        for (int64_t k = x; k < next; ++k) enter(k, y);
        for (int32_t done : step_.wave[1].first[y].finished)
            for (int64_t k = x; k < next; ++k) turn_planes(step_.wave[0].first[k], done, 0, n_[2]);
    }

    // Lines y and y + 1 of planes x and x + 1: in registers where z has chains, one after the other at either end.
    void enter_corner(int64_t x, int64_t y) const {
        const int64_t first = step_.chains.begin, last = step_.chains.end;
        const bool chain = chain_ends(step_.wave[0], x + 1);
        const auto enter_four = [&](int64_t begin, int64_t end) {
            for (int64_t k : {x, x + 1})
                for (int64_t l : {y, y + 1}) enter_points(k, l, begin, end);
        };
        enter_four(0, first - 1);
        if constexpr (CORNERS) chain ? turn_corner<true>(x, y) : turn_corner<false>(x, y);
        enter_four(last - 1, n_[2]);
        for (int64_t k : {x, x + 1}) {
            turn_lines(k, y + 1, 0, first - 3);
            turn_lines(k, y + 1, last - 3, n_[2]);
        }
        for (int64_t l : {y - 2, y - 1}) {
            if (chain) {
                turn_planes(step_.wave[0].first[x + 1], l, 0, first - 3);
                turn_planes(step_.wave[0].first[x + 1], l, last - 3, n_[2]);
            } else {
                for (int64_t k : {x, x + 1}) turn_planes(step_.wave[0].first[k], l, 0, n_[2]);
            }
        }
    }

    template <bool CHAIN>
    void turn_corner(int64_t x, int64_t y) const {
        const Chains<T> &run = step_.chains;
        Corner<T> corner = {line(x, y), n_[1] * line_, line_, {}, {}};
        Tangents<T> tangents;
        if (CHAIN) set_tangents(step_.wave[0].first[x + 1].turns[0], tangents.of[0]);
        set_tangents(step_.wave[1].first[y + 1].turns[0], tangents.of[1]);
        std::copy_n(run.tangent, 3, tangents.of[2]);
        for (int64_t p = 0; p < 2; ++p) {
            for (int64_t l = 0; l < 2; ++l) {
                corner.in[p][l] = step_.gauges.line(x + p, y + l);
                if (CHAIN) corner.out[p][l] = step_.gauges.line(x + p - 2, y + l - 2);
            }
        }
        turn_chains<Widest, CHAIN>(corner, run.begin, run.end, tangents);
    }

    // A line arrives: phase of the way in, wave along z, wave along y over the lines before it.
    void enter(int64_t x, int64_t y) const {
        if (PACKED && step_.chains.begin >= 0) {
            enter_points(x, y, 0, step_.chains.begin - 1);
            run_of_chains(line(x, y), step_.gauges.line(x, y));
            enter_points(x, y, step_.chains.end - 1, n_[2]);
        } else {
            enter_points(x, y, 0, n_[2]);
        }
        turn_lines(x, y, 0, n_[2]);
    }

    void enter_points(int64_t x, int64_t y, int64_t begin, int64_t end) const {
        T *here = line(x, y);
        const Gauge<T> *gauge = step_.gauges.line(x, y);
        const auto point = [&](int32_t z) MLMD_LAMBDA { return here + z * width_; };
        for (int64_t z = begin; z < end; ++z) {
            if (PACKED) __builtin_prefetch(here + z * width_ + 2 * line_, 0, 2);
            for_packs<T>(width_, [&](auto tag, int64_t i) MLMD_LAMBDA {
                entered(decltype(tag)::load(here + z * width_ + i), gauge[z]).store(here + z * width_ + i);
            });
            for (const Turn &turn : step_.wave[2].first[z].turns) apply<T>(turn, point, width_);
        }
    }

    // What line y brings along y, for points from begin on and below end.
    void turn_lines(int64_t x, int64_t y, int64_t begin, int64_t end) const {
        const auto row = [&](int32_t k) MLMD_LAMBDA { return line(x, k) + begin * width_; };
        for (const Turn &turn : step_.wave[1].first[y].turns) apply<T>(turn, row, (end - begin) * width_);
    }

    // The chains of the middle of a line, in registers.
    void run_of_chains(T *here, const Gauge<T> *gauge) const {
        typedef Widest P;
        const Chains<T> run = step_.chains;  // a copy: stores to psi might change the original, as compilers see it
        for (int64_t lane = 0; lane < width_; lane += P::SIZE) {
            T *at = here + (run.begin - 3) * width_ + lane;
            P a = P::load(at), b = P::load(at + width_);
            for (int64_t z = run.begin; z < run.end; z += 2, at += 2 * width_) {
                P c = entered(P::load(at + 2 * width_), gauge[z - 1]), d = entered(P::load(at + 3 * width_), gauge[z]);
                __builtin_prefetch(at + 2 * width_ + line_, 0, 2);
                __builtin_prefetch(at + 3 * width_ + line_, 0, 2);
                chain(a, b, c, d, run.tangent);
                a.store(at);
                b.store(at + width_);
                a = c;
                b = d;
            }
            a.store(at);
            b.store(at + width_);
        }
    }

    // What a plane brings along x, on line y, for points from begin on and below end.
    void turn_planes(const Arrival &arrival, int64_t y, int64_t begin, int64_t end) const {
        if (is_chain_that_leaves(arrival)) return chain_planes(arrival.turns[0], y, begin, end);
        const auto plane = [&](int32_t x) MLMD_LAMBDA { return line(x, y) + begin * width_; };
        for (const Turn &turn : arrival.turns) apply<T>(turn, plane, (end - begin) * width_);
        for (int32_t x : arrival.finished) {
            T *here = line(x, y);
            const Gauge<T> *gauge = step_.gauges.line(x, y);
            for (int64_t z = begin; z < end; ++z) scale_stretch(here + z * width_, gauge[z].high, gauge[z].low, width_);
        }
    }

    static bool is_chain_that_leaves(const Arrival &arrival) {
        return arrival.turns.size() == 1 && arrival.turns[0].kind == Kind::chain && arrival.finished.size() == 2 &&
               arrival.finished[0] == arrival.turns[0].item[0] && arrival.finished[1] == arrival.turns[0].item[1];
    }

    // A chain and the phase of the way out of the two planes that it finishes.
    void chain_planes(const Turn &turn, int64_t y, int64_t begin, int64_t end) const {
        T *a = line(turn.item[0], y), *b = line(turn.item[1], y), *c = line(turn.item[2], y), *d = line(turn.item[3], y);
        const Gauge<T> *of_a = step_.gauges.line(turn.item[0], y), *of_b = step_.gauges.line(turn.item[1], y);
        T tangent[3];
        set_tangents(turn, tangent);
        for (int64_t z = begin, i = begin * width_; z < end; ++z, i += width_) {
            turn_chain(
                a + i, b + i, c + i, d + i, tangent, width_,
                [&](auto v) MLMD_LAMBDA { return scaled(v, of_a[z].high, of_a[z].low); },
                [&](auto v) MLMD_LAMBDA { return scaled(v, of_b[z].high, of_b[z].low); });
        }
    }

    T *grid_;
    const int64_t *n_;
    Width width_;
    int64_t line_;
    const Step<T> &step_;
};

int64_t cache_bytes() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
    const int64_t bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (bytes > 0) return bytes;
#endif
    return 1 << 20;
}

// How many parts x is divided in, unless the caller has a wish: one for each thread that has no block of its own; single
// planes (the wave of x is then all in the second pass) if not even one plane fits the cache.  As long as one does, the
// others come from the next cache for less than a second pass costs.
int64_t ranges_for(const mlmd_psi &psi, int64_t blocks, int64_t plane_bytes, const mlmd_launch &launch) {
    static const int64_t cache = cache_bytes();
    if (launch.block) return std::min<int64_t>(launch.block, psi.n[0]);
    if (plane_bytes > cache) return psi.n[0];
    const int64_t wanted = (launch.threads + blocks - 1) / blocks;
    return std::max<int64_t>(1, std::min(wanted, psi.n[0] / LEAST_RANGE));
}

// Several steps: one after the other on each block, while it is in a cache, if nothing joins ranges.
template <class T, class Width>
void run(const mlmd_psi &psi, int64_t blocks, Width width, const Step<T> &step, int32_t steps, int64_t ranges,
         const mlmd_launch &launch) {
    T *data = static_cast<T *>(psi.data);
    const int64_t size = psi.n[0] * psi.n[1] * psi.n[2] * width;
    const int32_t in_a_row = step.wave[0].rest.empty() ? steps : 1;
    for (int32_t k = 0; k < steps; k += in_a_row) {
        each_item(launch, blocks * ranges, [&](int64_t item) {
            const int64_t range = item % ranges;
            const Block<T, Width> block(data + item / ranges * size, psi.n, width, step);
            for (int32_t own = 0; own < in_a_row; ++own)
                block.first_pass(psi.n[0] * range / ranges, psi.n[0] * (range + 1) / ranges);
        });
        if (step.wave[0].rest.empty()) continue;
        each_item(launch, blocks * psi.n[1], [&](int64_t item) {
            const Block<T, Width> block(data + item / psi.n[1] * size, psi.n, width, step);
            block.second_pass(item % psi.n[1]);
        });
    }
}

template <class T>
void propagate(const mlmd_psi &psi, int64_t blocks, const mlmd_kinetic &how, const mlmd_launch &launch) {
    const int64_t width = 2 * psi.norb;
    const int64_t ranges = ranges_for(psi, blocks, psi.n[1] * psi.n[2] * width * sizeof(T), launch);
    Wave wave[3];
    double scale = 1.0;
    for (int axis = 0; axis < 3; ++axis) {
        std::vector<mlmd_sweep> sweeps;
        for (int64_t k = 0; k < how.nsweeps; ++k)
            if (how.sweeps[k].axis == axis) sweeps.push_back(how.sweeps[k]);
        wave[axis] = make_wave(psi.n[axis], sweeps.data(), sweeps.size(), how.theta[axis], psi.type, axis ? 1 : ranges);
        scale *= wave[axis].scale;
    }
    const Step<T> step = {{wave[0], wave[1], wave[2]},
                          first_run<T>(wave[2].first),
                          {psi.n, how, std::polar(scale, -how.phase), launch.threads}};
    if (width == CACHE_LINE / static_cast<int64_t>(sizeof(T)))
        run(psi, blocks, std::integral_constant<int64_t, CACHE_LINE / sizeof(T)>{}, step, how.steps, ranges, launch);
    else
        run(psi, blocks, width, step, how.steps, ranges, launch);
}

}  // namespace

void kin_prop(const mlmd_psi &psi, int64_t blocks, const mlmd_kinetic &how, const mlmd_launch &launch) {
    if (psi.type == MLMD_COMPLEX64)
        propagate<float>(psi, blocks, how, launch);
    else
        propagate<double>(psi, blocks, how, launch);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(kin_prop, const mlmd_psi &, int64_t, const mlmd_kinetic &, const mlmd_launch &)

mlmd_status mlmd_kin_prop(const mlmd_psi *psi, int64_t blocks, const mlmd_kinetic *how, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (const mlmd_status status = mlmd::check(psi, how)) return status;
    if (blocks < 1) return mlmd::fail(MLMD_BAD_ARGUMENT, "blocks is below 1");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), kin_prop)(*psi, blocks, *how, *launch))
}
#endif
