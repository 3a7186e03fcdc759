// The low-rank operator of a plan, in the form that its mode works with, and working memory for the calls.
#include <algorithm>
#include <complex>
#include <mutex>
#include <vector>

#include "plan.h"

namespace {

using mlmd::MLMD_ISA::Scratch;

// Type of Q and bf16 parts of each of its numbers.
struct Arithmetic {
    const char *name;
    mlmd_type type;
    int parts;
};

constexpr Arithmetic MODES[] = {{"", MLMD_COMPLEX128, 0},      {"bf16x1", MLMD_COMPLEX64, 1},
                                {"bf16x2", MLMD_COMPLEX64, 2}, {"bf16x3", MLMD_COMPLEX64, 3},
                                {"fp32", MLMD_COMPLEX64, 0},   {"fp64", MLMD_COMPLEX128, 0}};

template <class To, class From>
void convert(const void *from, int64_t size, void *to) {
    std::copy_n(static_cast<const std::complex<From> *>(from), size, static_cast<std::complex<To> *>(to));
}

void copy(const void *from, int32_t given, int64_t size, void *to, mlmd_type wanted) {
    if (wanted == MLMD_COMPLEX64)
        given == MLMD_COMPLEX64 ? convert<float, float>(from, size, to) : convert<float, double>(from, size, to);
    else
        given == MLMD_COMPLEX64 ? convert<double, float>(from, size, to) : convert<double, double>(from, size, to);
}

struct NlpProp : mlmd_plan {
    NlpProp(const mlmd_domain &domain, int64_t rank, const Arithmetic &how, const mlmd_launch &launch)
        : rank(rank),
          how(how),
          size(domain.grid.n[0] * domain.grid.n[1] * domain.grid.n[2]),
          q(how.parts ? mlmd_nlp_pack_bytes(size, rank, how.parts) : bytes_of_q()),
          s(2 * rank * rank),
          work(how.parts ? mlmd_nlp_work_bytes(size, domain.norb, rank, how.parts, launch.threads) : 0) {}

    int64_t bytes_of_q() const { return size * rank * (how.type == MLMD_COMPLEX64 ? 8 : 16); }

    mlmd_status take(const void *columns, int32_t type) {
        if (!how.parts) {
            copy(columns, type, size * rank, q.get(), how.type);
            return MLMD_OK;
        }
        const Scratch<char> narrow(type == how.type ? 0 : bytes_of_q());
        if (type != how.type) {
            copy(columns, type, size * rank, narrow.get(), how.type);
            columns = narrow.get();
        }
        return mlmd_nlp_pack(static_cast<const float *>(columns), size, rank, how.parts, q.get(), launch.threads);
    }

    // A second call at the same time goes without the kept memory.
    mlmd_status propagate(void *psi) const {
        const std::unique_lock<std::mutex> mine(busy, std::try_to_lock);
        void *const memory = how.parts && mine.owns_lock() ? work.get() : nullptr;
        const mlmd_lowrank op = {q.get(), s.data(), rank, how.type, mlmd::volume_of_point(on.grid), how.parts, memory};
        const mlmd_psi given = waves(psi);
        return mlmd_nlp_prop(&given, &op, &launch);
    }

    const int64_t rank;
    const Arithmetic how;
    const int64_t size;  // points
    const Scratch<char> q;
    std::vector<double> s;
    const Scratch<char> work;
    mutable std::mutex busy;
    bool has_operator = false;
};

}  // namespace

mlmd_status mlmd_plan_nlp_prop(const mlmd_domain *on, int64_t rank, int32_t mode, const mlmd_options *options,
                               mlmd_plan **plan) {
    if (plan) *plan = nullptr;
    const bool single = on && on->type == MLMD_COMPLEX64;
    if (mode == MLMD_OF_TYPE) mode = single ? MLMD_FP32 : MLMD_FP64;
    if (mode < MLMD_BF16X1 || mode > MLMD_FP64) return mlmd::fail(MLMD_BAD_ARGUMENT, "the mode is unknown");
    if (on && !single && mode != MLMD_FP64)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the mode would lower complex128 wave functions");
    const Arithmetic how = MODES[mode];
    return mlmd::make_plan({"nlp_prop", on, rank, how.name}, options, plan, [=](const mlmd_launch &launch) {
        return std::make_unique<NlpProp>(*on, rank, how, launch);
    });
}

mlmd_status mlmd_set_nlp_prop(mlmd_plan *plan, const void *q, int32_t type, const double *s) {
    NlpProp *own = mlmd::as<NlpProp>(plan);
    if (!own) return mlmd::not_of("nlp_prop");
    if (!s || (!q && !own->has_operator)) return mlmd::fail(MLMD_BAD_ARGUMENT, "Q or S is null");
    if (q && type != MLMD_COMPLEX64 && type != MLMD_COMPLEX128)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the type of Q is unknown");
    try {
        if (q) {
            own->has_operator = false;
            if (const mlmd_status status = own->take(q, type)) return status;
            own->has_operator = true;
        }
    } catch (const std::bad_alloc &) {
        return mlmd::fail(MLMD_OUT_OF_MEMORY, "not enough memory for Q");
    }
    std::copy_n(s, own->s.size(), own->s.data());
    return MLMD_OK;
}

mlmd_status mlmd_execute_nlp_prop(const mlmd_plan *plan, void *psi) {
    const NlpProp *own = mlmd::as<NlpProp>(plan);
    if (!own) return mlmd::not_of("nlp_prop");
    if (!own->has_operator)
        return mlmd::fail(MLMD_BAD_ARGUMENT, "the plan has no operator yet: call mlmd_set_nlp_prop");
    return own->propagate(psi);
}
