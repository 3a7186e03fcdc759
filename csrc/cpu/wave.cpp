#include "wave.h"

#ifdef MLMD_ENTRY

#include <algorithm>
#include <cmath>
#include <complex>

namespace mlmd {
namespace {

typedef long double Real;
typedef std::complex<long double> Number;
typedef std::vector<Turn> Turns;

constexpr Real LARGEST = 0.785398163397448309616L;  // a larger angle is turned in parts, so that t stays below one

double rounded(Real x, mlmd_type type) {
    return type == MLMD_COMPLEX64 ? static_cast<float>(x) : static_cast<double>(x);
}

Turn pair(int32_t a, double t) { return {Kind::pair, {a, a + 1, 0, 0}, 0.0, 0.0, t, 0.0}; }

// The rotation (n-1, 0) with off-diagonal z and determinant `square`.
Turn general(int32_t last, Number z, Real square, mlmd_type type) {
    const double re = rounded(z.real(), type), im = rounded(z.imag(), type);
    const Real exact = std::sqrt(square - static_cast<Real>(re) * re - static_cast<Real>(im) * im);
    const double c = rounded(exact, type);
    return {Kind::general, {last, 0, 0, 0}, c, rounded(exact - c, type), re, im};
}

Turn lone(int32_t a, Real factor, mlmd_type type) {
    const double c = rounded(factor, type);
    return {Kind::lone, {a, a, 0, 0}, c, rounded(factor - c, type), 0.0, 0.0};
}

// The turns of one sweep; `scale` takes its cosine.
Turns turns_of(int64_t n, const mlmd_sweep &s, Real angle, Real theta, mlmd_type type, Real *scale) {
    const Number mismatch = -quarter_turns<Real>(-n) * std::polar(Real(1), theta * n);
    const int32_t last = static_cast<int32_t>(n - 1);
    if (s.count == 0 && !s.wrap) return {};
    if (s.count == 0) return {general(last, std::sin(angle) * mismatch, 1, type)};
    const double t = rounded(std::tan(angle), type);
    const Real square = 1 + static_cast<Real>(t) * t;
    *scale /= std::sqrt(square);
    Turns made;
    const auto single = [&](int32_t from, int32_t to) {
        for (int32_t k = from; k < to; ++k)
            if (!s.wrap || (k > 0 && k < last)) made.push_back(lone(k, std::sqrt(square), type));
    };
    single(0, s.start);
    for (int32_t k = 0; k < s.count; ++k) made.push_back(pair(s.start + 2 * k, t));
    single(s.start + 2 * s.count, last + 1);
    if (s.wrap) made.push_back(general(last, static_cast<Real>(t) * mismatch, square, type));
    return made;
}

// Runs turns in the order in which their items allow.
class Scheduler {
  public:
    Scheduler(int64_t n, const Turns &turns) : turns_(turns), todo_(n), next_(n, 0), reported_(n, false) {
        for (size_t k = 0; k < turns.size(); ++k) {
            todo_[turns[k].item[0]].push_back(k);
            if (turns[k].item[1] != turns[k].item[0]) todo_[turns[k].item[1]].push_back(k);
        }
    }

    // Item k is there, and those from `begin` on before it.
    Arrival arrive(int32_t k, int32_t begin) {
        Arrival made;
        std::vector<int32_t> look = {k}, touched = {k};
        while (!look.empty()) {
            const int32_t item = look.back();
            look.pop_back();
            while (runnable(item, begin, k)) {
                const Turn &turn = turns_[todo_[item][next_[item]]];
                const int32_t other = turn.item[0] == item ? turn.item[1] : turn.item[0];
                made.turns.push_back(turn);
                ++next_[item];
                if (other != item) {
                    ++next_[other];
                    look.push_back(other);
                    touched.push_back(other);
                }
            }
        }
        std::sort(touched.begin(), touched.end());
        for (int32_t j : touched)
            if (!reported_[j] && next_[j] == todo_[j].size()) {
                reported_[j] = true;
                made.finished.push_back(j);
            }
        return made;
    }

    bool complete() const {
        for (bool reported : reported_)
            if (!reported) return false;
        return true;
    }

  private:
    bool runnable(int32_t item, int32_t begin, int32_t end) const {
        if (next_[item] == todo_[item].size()) return false;
        const size_t turn = todo_[item][next_[item]];
        for (int32_t other : {turns_[turn].item[0], turns_[turn].item[1]})
            if (other < begin || other > end || next_[other] == todo_[other].size() ||
                todo_[other][next_[other]] != turn)
                return false;
        return true;
    }

    const Turns &turns_;
    std::vector<std::vector<size_t>> todo_;  // of each item
    std::vector<size_t> next_;
    std::vector<bool> reported_;
};

// Three pairs in a row, each one item back, become one chain: each number is loaded and stored once, not thrice.
void join_chains(Turns *turns) {
    Turns joined;
    for (const Turn &turn : *turns) {
        joined.push_back(turn);
        const size_t size = joined.size();
        if (size < 3) continue;
        const Turn &x = joined[size - 3], &y = joined[size - 2], &z = turn;
        if (x.kind != Kind::pair || y.kind != Kind::pair || z.kind != Kind::pair) continue;
        const int32_t a = z.item[0];
        if (y.item[0] != a + 1 || x.item[0] != a + 2) continue;
        const Turn chain = {Kind::chain, {a, a + 1, a + 2, a + 3}, z.re, 0.0, x.re, y.re};
        joined.resize(size - 3);
        joined.push_back(chain);
    }
    *turns = joined;
}

}  // namespace

Wave make_wave(int64_t n, const mlmd_sweep *sweeps, int64_t nsweeps, double theta, mlmd_type type, int64_t ranges) {
    Turns turns;
    Real scale = 1;
    for (int64_t k = 0; k < nsweeps; ++k) {
        const Real angle = std::remainder(static_cast<Real>(sweeps[k].angle), 8 * LARGEST);
        const int parts = std::max(1, static_cast<int>(std::ceil(std::abs(angle) / LARGEST)));
        for (int part = 0; part < parts; ++part) {
            const Turns more = turns_of(n, sweeps[k], angle / parts, theta, type, &scale);
            turns.insert(turns.end(), more.begin(), more.end());
        }
    }
    Scheduler scheduler(n, turns);
    Wave wave;
    for (int64_t range = 0; range < ranges; ++range) {
        const int32_t begin = static_cast<int32_t>(n * range / ranges);
        const int32_t end = static_cast<int32_t>(n * (range + 1) / ranges);
        for (int32_t k = begin; k < end; ++k) wave.first.push_back(scheduler.arrive(k, begin));
    }
    if (!scheduler.complete())
        for (int32_t k = 0; k < n; ++k) wave.rest.push_back(scheduler.arrive(k, 0));
    for (Arrival &arrival : wave.first) join_chains(&arrival.turns);
    for (Arrival &arrival : wave.rest) join_chains(&arrival.turns);
    wave.scale = static_cast<double>(scale);
    return wave;
}

}  // namespace mlmd

#endif
