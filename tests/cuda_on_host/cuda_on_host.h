// What csrc/cuda/*.cu need to be compiled by a C++ compiler and run on the processor, for tests without a GPU: included
// before the source.
//
// The threads of a block are fibers, blocks run one after the other.  A thread runs until it ends, or waits for its
// block or for its warp; the next one goes on then.  It is an error, told on stderr before the program stops, if only some
// threads of a block or of a warp arrive at a barrier: on a GPU that would hang or give anything.
#pragma once

#include <math.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define __CUDACC__ 1
#define __host__
#define __device__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __shared__ static  // one block runs at a time
#define __constant__ static
#define __restrict__ __restrict

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
    unsigned size() const { return x * y * z; }
};

namespace on_host {

constexpr unsigned WARP = 32;
constexpr size_t STACK = 256 << 10;

enum State { RUNS, WAITS_FOR_BLOCK, WAITS_FOR_WARP, ENDED };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    void *fake_stack = nullptr;
    State state = ENDED;
    dim3 place;
    unsigned char passed[16];  // what it shows to its warp
};

struct Block {
    dim3 grid, block, index;
    std::vector<Fiber> fibers;
    ucontext_t scheduler;
    const void *scheduler_stack = nullptr;
    size_t scheduler_size = 0;
    unsigned current = 0;
    void (*body)(void *) = nullptr;
    void *given = nullptr;
};

inline Block &block() {
    static Block one;
    return one;
}

inline Fiber &self() { return block().fibers[block().current]; }

inline void switch_to_scheduler(State state) {
    Fiber &fiber = self();
    fiber.state = state;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(state == ENDED ? nullptr : &fiber.fake_stack, block().scheduler_stack,
                                   block().scheduler_size);
#endif
    swapcontext(&fiber.context, &block().scheduler);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber.fake_stack, &block().scheduler_stack, &block().scheduler_size);
#endif
}

inline void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &block().scheduler_stack, &block().scheduler_size);
#endif
    block().body(block().given);
    switch_to_scheduler(ENDED);
}

inline void resume(unsigned k) {
    Block &b = block();
    b.current = k;
    Fiber &fiber = b.fibers[k];
#if defined(__SANITIZE_ADDRESS__)
    void *fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, fiber.stack.get(), STACK);
#endif
    swapcontext(&b.scheduler, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

[[noreturn]] inline void broken(const char *what) {
    const dim3 at = block().index;
    std::fprintf(stderr, "block (%u, %u, %u): %s\n", at.x, at.y, at.z, what);
    std::abort();
}

// Lets the threads from `first` on go past a barrier when all of them are there.
inline bool released(unsigned first, unsigned last, State at) {
    unsigned there = 0, ended = 0;
    for (unsigned k = first; k < last; ++k) {
        there += block().fibers[k].state == at;
        ended += block().fibers[k].state == ENDED;
    }
    if (there == 0) return false;
    if (ended > 0) broken("some threads have ended while others wait for them");
    if (there < last - first) return false;
    for (unsigned k = first; k < last; ++k) block().fibers[k].state = RUNS;
    return true;
}

inline void run_block() {
    Block &b = block();
    const unsigned threads = b.block.size();
    if (b.fibers.size() < threads) b.fibers.resize(threads);
    for (unsigned k = 0; k < threads; ++k) {
        Fiber &fiber = b.fibers[k];
        if (!fiber.stack) fiber.stack.reset(new char[STACK]);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
        fiber.state = RUNS;
        fiber.place = {k % b.block.x, k / b.block.x % b.block.y, k / b.block.x / b.block.y};
    }
    for (;;) {
        bool moved = false;
        for (unsigned k = 0; k < threads; ++k)
            if (b.fibers[k].state == RUNS) resume(k), moved = true;
        for (unsigned k = 0; k < threads; k += WARP)
            moved |= released(k, k + WARP < threads ? k + WARP : threads, WAITS_FOR_WARP);
        moved |= released(0, threads, WAITS_FOR_BLOCK);
        if (moved) continue;
        for (unsigned k = 0; k < threads; ++k)
            if (b.fibers[k].state != ENDED) broken("threads wait at different barriers");
        return;
    }
}

// A value of another thread of the warp.
template <class T>
T from_warp(T value, unsigned lane) {
    static_assert(sizeof(T) <= sizeof(Fiber::passed), "what shuffles pass on");
    std::memcpy(self().passed, &value, sizeof value);
    switch_to_scheduler(WAITS_FOR_WARP);
    const unsigned source = block().current / WARP * WARP + lane;
    T got = value;
    if (lane < WARP && source < block().block.size()) std::memcpy(&got, block().fibers[source].passed, sizeof got);
    switch_to_scheduler(WAITS_FOR_WARP);
    return got;
}

template <class... A, size_t... K>
void call(void (*kernel)(A...), void **given, std::index_sequence<K...>) {
    kernel(*static_cast<std::remove_cv_t<A> *>(given[K])...);
}

// Type and size of each parameter, as NumPy writes it: p8, i4, f8.
template <class A>
void describe(char *to) {
    to[0] = std::is_pointer<A>::value ? 'p' : std::is_floating_point<A>::value ? 'f' : 'i';
    to[1] = static_cast<char>('0' + sizeof(A));
}

template <class... A>
int parameters(void (*)(A...), char *to) {
    int count = 0;
    (describe<A>(to + 2 * count++), ...);
    return count;
}

template <class... A>
void launch(void (*kernel)(A...), const unsigned *grid, const unsigned *group, void **given) {
    struct Given {
        void (*kernel)(A...);
        void **arguments;
    } all = {kernel, given};
    Block &b = block();
    b.grid = {grid[0], grid[1], grid[2]};
    b.block = {group[0], group[1], group[2]};
    b.given = &all;
    b.body = [](void *p) {
        const Given &g = *static_cast<Given *>(p);
        call(g.kernel, g.arguments, std::index_sequence_for<A...>{});
    };
    for (b.index.z = 0; b.index.z < b.grid.z; ++b.index.z)
        for (b.index.y = 0; b.index.y < b.grid.y; ++b.index.y)
            for (b.index.x = 0; b.index.x < b.grid.x; ++b.index.x) run_block();
}

}  // namespace on_host

#define threadIdx (on_host::self().place)
#define blockIdx (on_host::block().index)
#define blockDim (on_host::block().block)
#define gridDim (on_host::block().grid)
#define warpSize 32

inline void __syncthreads() { on_host::switch_to_scheduler(on_host::WAITS_FOR_BLOCK); }
inline void __syncwarp(unsigned = 0xffffffffu) { on_host::switch_to_scheduler(on_host::WAITS_FOR_WARP); }
inline void __threadfence() {}

inline unsigned lane_on_host() { return on_host::block().current % on_host::WARP; }

template <class T>
T __shfl_sync(unsigned, T x, int lane, int width = 32) {
    return on_host::from_warp(x, lane_on_host() / width * width + lane % width);
}
template <class T>
T __shfl_xor_sync(unsigned, T x, int across, int = 32) {
    return on_host::from_warp(x, lane_on_host() ^ across);
}
template <class T>
T __shfl_down_sync(unsigned, T x, int by, int width = 32) {
    const unsigned lane = lane_on_host();
    return on_host::from_warp(x, lane % width + by < unsigned(width) ? lane + by : lane);
}
template <class T>
T __shfl_up_sync(unsigned, T x, int by, int width = 32) {
    const unsigned lane = lane_on_host();
    return on_host::from_warp(x, lane % width >= unsigned(by) ? lane - by : lane);
}

template <class T>
T __ldg(const T *p) {
    return *p;
}
template <class T>
T __ldcs(const T *p) {
    return *p;
}
template <class T>
void __stcs(T *p, T x) {
    *p = x;
}

#define ON_HOST_KERNEL(name)                                                                                \
    extern "C" void on_host_launch_##name(const unsigned *grid, const unsigned *group, void **given) {      \
        on_host::launch(name, grid, group, given);                                                          \
    }                                                                                                       \
    extern "C" int on_host_parameters_##name(char *to) { return on_host::parameters(name, to); }
