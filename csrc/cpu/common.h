// What the C entry points share: error text, checks, the choice of the instruction-set variant, scratch memory.
//
// Each kernel file is compiled once per instruction set, into a namespace of that name (MLMD_ISA).  The first,
// baseline compilation also defines MLMD_ENTRY and with it holds the entry point, which picks a variant.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "mlmd/mlmd_kernels.h"

namespace mlmd {

// Those from v4 on run the variant v4; v4bf16 (AVX512-BF16) and amx (AMX-BF16) add to what it may use.
enum class Isa { generic, v2, v3, v4, v4bf16, amx };

Isa chosen_isa();
bool runs_here(Isa isa);
mlmd_status fail(mlmd_status status, const char *text);
mlmd_status check(int threads);
mlmd_status check(const mlmd_launch *launch);
mlmd_status check(const mlmd_psi *psi);
mlmd_status check(const mlmd_psi *psi, const mlmd_kinetic *how);
mlmd_status check(const mlmd_box &box);
mlmd_status check(const mlmd_edges *edges);

inline Isa isa_of(const mlmd_launch &launch) { return launch.isa ? static_cast<Isa>(launch.isa) : chosen_isa(); }

namespace MLMD_ISA {

inline int thread_index() {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

// Calls work(item) for each item: threads get equal shares, or each the next item when it is free.
template <class Work>
void each_item(const mlmd_launch &launch, int64_t items, Work &&work) {
    if (launch.schedule == MLMD_DYNAMIC) {
        std::atomic<int64_t> next{0};
#pragma omp parallel num_threads(launch.threads)
        for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) work(item);
        return;
    }
#pragma omp parallel for num_threads(launch.threads) schedule(static)
    for (int64_t item = 0; item < items; ++item) work(item);
}

// Memory aligned to cache lines, large blocks to large pages; null if there is not enough.  To be freed by std::free.
inline void *allocate(int64_t size) {
    constexpr size_t LARGE_PAGE = size_t(1) << 21;
    const size_t wanted = static_cast<size_t>(size);
    const size_t unit = wanted < 4 * LARGE_PAGE ? 64 : LARGE_PAGE, bytes = (wanted + unit - 1) / unit * unit;
    void *data = std::aligned_alloc(unit, bytes ? bytes : unit);
#if defined(__linux__)
    if (data && unit == LARGE_PAGE) madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return data;
}

// Scratch memory; throws std::bad_alloc.
template <class T>
class Scratch {
  public:
    explicit Scratch(int64_t size) : data_(static_cast<T *>(allocate(size * static_cast<int64_t>(sizeof(T))))) {
        if (!data_) throw std::bad_alloc();
    }
    ~Scratch() { std::free(data_); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    T *get() const { return data_; }

  private:
    T *data_;
};

}  // namespace MLMD_ISA
}  // namespace mlmd

#if defined(MLMD_HAVE_v2)
#define MLMD_DECLARE(NAME, ...)               \
    namespace mlmd {                          \
    namespace v2 { void NAME(__VA_ARGS__); }  \
    namespace v3 { void NAME(__VA_ARGS__); }  \
    namespace v4 { void NAME(__VA_ARGS__); }  \
    }
#define MLMD_PICK(ISA, NAME)                       \
    ((ISA) >= mlmd::Isa::v4   ? mlmd::v4::NAME \
     : (ISA) == mlmd::Isa::v3 ? mlmd::v3::NAME \
                              : mlmd::v2::NAME)
#else
#define MLMD_DECLARE(NAME, ...) \
    namespace mlmd {            \
    namespace generic { void NAME(__VA_ARGS__); } \
    }
#define MLMD_PICK(ISA, NAME) (static_cast<void>(ISA), mlmd::generic::NAME)
#endif

// Runs a statement and turns C++ exceptions into a status.
#define MLMD_GUARDED(STATEMENT)                                              \
    try {                                                                    \
        STATEMENT;                                                           \
        return MLMD_OK;                                                      \
    } catch (const std::bad_alloc &) {                                       \
        return mlmd::fail(MLMD_OUT_OF_MEMORY, "not enough memory for the scratch space"); \
    } catch (...) {                                                          \
        return mlmd::fail(MLMD_INTERNAL_ERROR, "unexpected C++ exception");  \
    }
