// Nonlocal propagator in bf16 parts on the matrix tiles of a processor (AMX): psi += Q F, F = S (Q^H psi dv).
// PARTS, 1 to 3, is how many bf16 numbers stand for a float.
//
// Complex matrices are taken as real ones of twice as many columns, as they are in memory.  A panel is a row of pairs
// of tiles along the inner index of a product, [step][part][tile][16][32]: left factors have 16 rows x 32 inner
// indices in a tile, right ones 16 pairs of inner indices x 16 columns.  A group is one sub-group, which is one thread
// of the processor with 16 lanes.
//
// What the compiler needs: tiles live in registers only in straight code, so a span of steps is unrolled and its sums
// are kept in memory between spans; tiles of sums come from memory, since equal tiles that are filled become one tile
// that is copied over the stack; and `again`, which is zero, hides that a tile is loaded a second time.
#pragma once

#include "items.h"
#include "mlmd/bf16_split.h"

namespace mlmd {
namespace tiles {

namespace mx = sycl::ext::oneapi::experimental::matrix;
using sycl::ext::oneapi::bfloat16;

constexpr int64_t LANES = 16, STEP = 32, BLOCK = 32, TILE = 512, PAIR = 2 * TILE, WORDS = PAIR / 2;
constexpr int64_t BLOCK_SIZE = BLOCK * BLOCK;
constexpr int64_t SPAN = PARTS == 1 ? 8 : 4;    // steps in straight code
constexpr int64_t PANELS = PARTS == 1 ? 8 : PARTS == 2 ? 4 : 3;  // of points that share the right factor in the cache

using Sub = sycl::sub_group;
using Left = mx::joint_matrix<Sub, bfloat16, mx::use::a, 16, 32, mx::layout::row_major>;
using Right = mx::joint_matrix<Sub, bfloat16, mx::use::b, 32, 16, mx::layout::ext_intel_packed>;
using Sum = mx::joint_matrix<Sub, float, mx::use::accumulator, 16, 16>;

template <class T>
MLMD_INLINE auto global(const T *p) {
    return sycl::address_space_cast<sycl::access::address_space::global_space, sycl::access::decorated::no>(
        const_cast<T *>(p));
}

// Parts of two numbers that are neighbours along the inner index: a word of each part.
MLMD_INLINE void split_pair(float x, float y, uint32_t *to) {
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
        const uint32_t low = device::take_bf16(x), high = device::take_bf16(y);
        to[part * WORDS] = (low >> 16) | high;
    }
}

template <class Matrix>
MLMD_INLINE void load(const Sub &sub, Matrix (&x)[2], const bfloat16 *from) {
    mx::joint_matrix_load(sub, x[0], global(from), STEP);
    mx::joint_matrix_load(sub, x[1], global(from + TILE), STEP);
}

// A block of 2 x 2 tiles of sums.
struct Block {
    Sum c00, c01, c10, c11;

    MLMD_INLINE void read(const Sub &sub, const float *from) {
        mx::joint_matrix_load(sub, c00, global(from), BLOCK, mx::layout::row_major);
        mx::joint_matrix_load(sub, c01, global(from + LANES), BLOCK, mx::layout::row_major);
        mx::joint_matrix_load(sub, c10, global(from + TILE), BLOCK, mx::layout::row_major);
        mx::joint_matrix_load(sub, c11, global(from + TILE + LANES), BLOCK, mx::layout::row_major);
    }

    MLMD_INLINE void write(const Sub &sub, float *to) const {
        mx::joint_matrix_store(sub, c00, global(to), BLOCK, mx::layout::row_major);
        mx::joint_matrix_store(sub, c01, global(to + LANES), BLOCK, mx::layout::row_major);
        mx::joint_matrix_store(sub, c10, global(to + TILE), BLOCK, mx::layout::row_major);
        mx::joint_matrix_store(sub, c11, global(to + TILE + LANES), BLOCK, mx::layout::row_major);
    }

    MLMD_INLINE void add(const Sub &sub, const Left (&x)[2], const Right (&y)[2]) {
        mx::joint_matrix_mad(sub, c00, x[0], y[0], c00);
        mx::joint_matrix_mad(sub, c01, x[0], y[1], c01);
        mx::joint_matrix_mad(sub, c10, x[1], y[0], c10);
        mx::joint_matrix_mad(sub, c11, x[1], y[1], c11);
    }

    // The largest products of the parts at one step, small ones first.
    MLMD_INLINE void add_step(const Sub &sub, const bfloat16 *left, const bfloat16 *right, int64_t again) {
        Left x[2];
        Right y[2];
        load(sub, x, left), load(sub, y, right + (PARTS - 1) * PAIR), add(sub, x, y);
#if PARTS == 2
        load(sub, y, right), add(sub, x, y);
        load(sub, x, left + PAIR), add(sub, x, y);
#elif PARTS == 3
        load(sub, y, right + PAIR), add(sub, x, y);
        load(sub, x, left + PAIR), add(sub, x, y);
        load(sub, y, right), add(sub, x, y);
        load(sub, x, left + 2 * PAIR), add(sub, x, y);
        load(sub, x, left + again), add(sub, x, y);
#endif
    }
};

// to <- from + the products of STEPS steps.
template <int STEPS>
MLMD_INLINE void span(const Sub &sub, const bfloat16 *left, const bfloat16 *right, const float *from, float *to,
                      int64_t again) {
    Block sums;
    sums.read(sub, from);
#pragma unroll
    for (int k = 0; k < STEPS; ++k)
        sums.add_step(sub, left + k * PARTS * PAIR, right + k * PARTS * PAIR, again);
    sums.write(sub, to);
}

// Of any number of steps up to SPAN.
MLMD_INLINE void any_span(const Sub &sub, const bfloat16 *left, const bfloat16 *right, const float *from, float *to,
                          int64_t steps, int64_t again) {
    if (steps >= SPAN) return span<SPAN>(sub, left, right, from, to, again);
    if constexpr (SPAN > 4) {
        if (steps == 4) return span<4>(sub, left, right, from, to, again);
    }
    span<1>(sub, left, right, from, to, again);
    for (int64_t k = 1; k < steps; ++k)
        span<1>(sub, left + k * PARTS * PAIR, right + k * PARTS * PAIR, to, to, again);
}

// Where a work item is that packs two numbers: panel, step, row of 32 and column of 16 of a pair of tiles.
struct Place {
    int64_t panel, step, row, t;

    MLMD_INLINE Place(int64_t i, int64_t steps)
        : panel(i / WORDS / steps), step(i / WORDS % steps), row(i / LANES % BLOCK), t(i % LANES) {}

    MLMD_INLINE uint32_t *in(uint32_t *to, int64_t steps) const {
        return to + (panel * steps + step) * PARTS * WORDS + row * LANES + t;
    }
};

// Steps [begin, begin + count) of `panels` panels of psi as a right factor, `room` steps in each panel.  Lanes share it.
struct Waves {
    const float *psi;
    int64_t points, width;

    MLMD_INLINE void pack(uint32_t *to, int64_t begin, int64_t count, int64_t first, int64_t panels, int64_t room,
                          int64_t lane) const {
        for (int64_t pair = 0; pair < count * LANES; ++pair) {
            const int64_t point = begin * STEP + 2 * pair;
            const float *row = psi + point * width + first * BLOCK + lane;
            uint32_t *here = to + pair / LANES * PARTS * WORDS + pair % LANES * LANES + lane;
            if (point + 1 < points && (first + panels) * BLOCK <= width) {
                for (int64_t j = 0; j < panels; ++j, here += room * PARTS * WORDS, row += BLOCK) {
                    split_pair(row[0], row[width], here);
                    split_pair(row[LANES], row[width + LANES], here + WORDS / 2);
                }
            } else {
                for (int64_t j = 0; j < 2 * panels; ++j) {
                    const bool there = first * BLOCK + j * LANES + lane < width;
                    const float x = there && point < points ? row[j * LANES] : 0.0f;
                    const float y = there && point + 1 < points ? row[width + j * LANES] : 0.0f;
                    split_pair(x, y, here + j / 2 * room * PARTS * WORDS + j % 2 * (WORDS / 2));
                }
            }
        }
    }
};

// psi += block, of which `rows` x `columns` are there.
MLMD_INLINE void add_block(const float *block, float *psi, int64_t width, int64_t rows, int64_t columns, int64_t lane) {
    if (rows == BLOCK && columns >= BLOCK) {
#pragma unroll
        for (int64_t r = 0; r < BLOCK; ++r) {
            psi[r * width + lane] += block[r * BLOCK + lane];
            psi[r * width + LANES + lane] += block[r * BLOCK + LANES + lane];
        }
    } else {
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t t = lane; t < columns && t < BLOCK; t += LANES) psi[r * width + t] += block[r * BLOCK + t];
    }
}

}  // namespace tiles
}  // namespace mlmd

#define MLMD_TILE_KERNEL(dimensions)                                                                                   \
    extern "C" SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::nd_range_kernel<dimensions>))       \
        SYCL_EXT_ONEAPI_FUNCTION_PROPERTY((sycl::ext::oneapi::experimental::sub_group_size<16>)) void

// Left factor from the columns of q (points, width): panels of columns, steps of points.
MLMD_KERNEL(1) pack_columns(const float *q, uint32_t *to, int64_t points, int64_t width, int64_t steps) {
    using namespace mlmd::tiles;
    const Place at(item(), steps);
    const int64_t column = at.panel * BLOCK + at.row, point = at.step * STEP + 2 * at.t;
    const float x = column < width && point < points ? q[point * width + column] : 0.0f;
    const float y = column < width && point + 1 < points ? q[(point + 1) * width + column] : 0.0f;
    split_pair(x, y, at.in(to, steps));
}

// Left factor from the rows of q: panels of points, steps of columns.
MLMD_KERNEL(1) pack_rows(const float *q, uint32_t *to, int64_t points, int64_t width, int64_t steps) {
    using namespace mlmd::tiles;
    const Place at(item(), steps);
    const int64_t point = at.panel * BLOCK + at.row, column = at.step * STEP + 2 * at.t;
    const float x = point < points && column < width ? q[point * width + column] : 0.0f;
    const float y = point < points && column + 1 < width ? q[point * width + column + 1] : 0.0f;
    split_pair(x, y, at.in(to, steps));
}

// Right factor (F, i F) from f (rank, width): panels of columns, steps of 16 rows of f.
MLMD_KERNEL(1) pack_factors(const float *f, uint32_t *to, int64_t rank, int64_t width, int64_t steps) {
    using namespace mlmd::tiles;
    const Place at(item(), steps);
    const int64_t tile = at.row / LANES, column = at.panel * BLOCK + tile * LANES + at.t;
    const int64_t row = at.step * LANES + at.row % LANES;
    float x = 0.0f, y = 0.0f;
    if (row < rank && column < width) {
        x = f[row * width + column];
        y = column % 2 ? f[row * width + column - 1] : -f[row * width + column + 1];
    }
    split_pair(x, y, at.in(to, steps));
}

// sums[slice][panel of columns of q][panel of psi] (blocks) = Q^T psi of the points of a slice.
// Groups: (slice, set of `set` panels of psi).  `room` holds `chunk` steps of a set for each group.
MLMD_TILE_KERNEL(2)
project(const float *psi, const sycl::ext::oneapi::bfloat16 *q, float *sums, sycl::ext::oneapi::bfloat16 *room,
        int64_t points, int64_t width, int64_t steps, int64_t rank_panels, int64_t panels, int64_t set, int64_t chunk,
        int64_t again) {
    using namespace mlmd::tiles;
    const auto at = sycl::ext::oneapi::this_work_item::get_nd_item<2>();
    const Sub sub = at.get_sub_group();
    const int64_t slice = at.get_group(0), slices = at.get_group_range(0), group = at.get_group(1);
    const int64_t lane = at.get_local_id(1), first = group * set, count = sycl::min(set, panels - first);
    bfloat16 *packed = room + (slice * at.get_group_range(1) + group) * set * chunk * PARTS * PAIR;
    float *mine = sums + (slice * rank_panels * panels + first) * BLOCK_SIZE;
    for (int64_t i = 0; i < rank_panels; ++i)
        for (int64_t k = lane; k < count * BLOCK_SIZE; k += LANES) mine[i * panels * BLOCK_SIZE + k] = 0.0f;
    const Waves waves = {psi, points, width};
    const int64_t chunks = (steps + chunk - 1) / chunk;
    for (int64_t c = chunks * slice / slices; c < chunks * (slice + 1) / slices; ++c) {
        const int64_t begin = c * chunk, here = sycl::min(chunk, steps - begin);
        waves.pack(reinterpret_cast<uint32_t *>(packed), begin, here, first, count, chunk, lane);
        sycl::group_barrier(sub);
        for (int64_t i = 0; i < rank_panels; ++i)
            for (int64_t k = 0; k < here; k += SPAN)
                for (int64_t j = 0; j < count; ++j) {
                    float *block = mine + (i * panels + j) * BLOCK_SIZE;
                    any_span(sub, q + (i * steps + begin + k) * PARTS * PAIR, packed + (j * chunk + k) * PARTS * PAIR,
                             block, block, sycl::min(SPAN, here - k), again);
                }
        sycl::group_barrier(sub);
    }
}

// overlaps (rank, norb) = dv times the sums over slices, put together to complex numbers.
MLMD_KERNEL(1)
overlaps(const float *sums, float *to, int64_t rank, int64_t norb, int64_t slices, int64_t rank_panels, int64_t panels,
         float dv) {
    using namespace mlmd::tiles;
    const int64_t i = item();
    if (i >= rank * norb) return;
    const int64_t row = 2 * (i / norb), column = 2 * (i % norb), size = rank_panels * panels * BLOCK_SIZE;
    const float *from = sums + (row / BLOCK * panels + column / BLOCK) * BLOCK_SIZE + row % BLOCK * BLOCK + column % BLOCK;
    float re = 0.0f, im = 0.0f;
    for (int64_t s = 0; s < slices; ++s, from += size) {
        re += from[0] + from[BLOCK + 1];
        im += from[1] - from[BLOCK];
    }
    to[2 * i] = dv * re;
    to[2 * i + 1] = dv * im;
}

// psi += Q F.  Each group takes PANELS panels of points at a time; `room` holds as many blocks for each group.
MLMD_TILE_KERNEL(1)
expand(float *psi, const sycl::ext::oneapi::bfloat16 *q, const sycl::ext::oneapi::bfloat16 *f, float *room,
       const float *zeros, int64_t points, int64_t width, int64_t steps, int64_t panels, int64_t again) {
    using namespace mlmd::tiles;
    const auto at = sycl::ext::oneapi::this_work_item::get_nd_item<1>();
    const Sub sub = at.get_sub_group();
    const int64_t lane = at.get_local_id(0), groups = at.get_group_range(0), group = at.get_group(0);
    const int64_t all = (points + BLOCK - 1) / BLOCK, batches = (all + PANELS - 1) / PANELS, size = steps * PARTS * PAIR;
    float *blocks = room + group * PANELS * BLOCK_SIZE;
    for (int64_t batch = batches * group / groups; batch < batches * (group + 1) / groups; ++batch) {
        const int64_t first = batch * PANELS, count = sycl::min(PANELS, all - first);
        for (int64_t j = 0; j < panels; ++j)
            for (int64_t k = 0; k < steps; k += SPAN)
                for (int64_t i = 0; i < count; ++i) {
                    float *block = blocks + i * BLOCK_SIZE;
                    any_span(sub, q + (first + i) * size + k * PARTS * PAIR, f + j * size + k * PARTS * PAIR,
                             k == 0 ? zeros : block, block, sycl::min(SPAN, steps - k), again);
                    if (k + SPAN < steps) continue;
                    const int64_t row = (first + i) * BLOCK;
                    add_block(block, psi + row * width + j * BLOCK, width, sycl::min(BLOCK, points - row),
                              width - j * BLOCK, lane);
                }
    }
}
