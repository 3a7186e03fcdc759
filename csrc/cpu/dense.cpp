// A layer of a perceptron for many rows: blocks of rows are brought together from their parts, activated, multiplied by
// the matrix in tiles of registers, and written to their parts.
#include <algorithm>

#include "common.h"
#include "silu.h"

namespace mlmd {
namespace MLMD_ISA {
namespace {

constexpr int64_t ROWS = 48;                              // of a block, as a rule
constexpr int HEIGHT = VECTOR_BYTES == 16 ? 4 : 6;        // rows of a tile
constexpr int WIDTH = VECTOR_BYTES == 64 ? 4 : 2;         // registers of a row of a tile
static_assert(ROWS % HEIGHT == 0, "blocks are whole tiles");

// The layer with its matrix in panels of WIDTH registers of columns; the last one may be narrower.
template <class T>
struct Layer {
    typedef Pack<T, VECTOR_BYTES> P;

    explicit Layer(const mlmd_dense_layer &op)
        : op(op), depth(width(op.in, op.nin)), columns(width(op.out, op.nout)), packs((columns + P::SIZE - 1) / P::SIZE),
          matrix(packs * P::SIZE * depth) {
        const T *from = static_cast<const T *>(op.matrix);
        T *to = matrix.get();
        for (int64_t pack = 0; pack < packs; pack += WIDTH)
            for (int64_t k = 0; k < depth; ++k)
                for (int64_t c = pack * P::SIZE; c < std::min(pack + WIDTH, packs) * P::SIZE; ++c)
                    *to++ = c >= columns ? T(0) : op.transposed ? from[c * depth + k] : from[k * columns + c];
    }

    static int64_t width(const mlmd_columns *parts, int64_t count) {
        int64_t sum = 0;
        for (int64_t k = 0; k < count; ++k) sum += parts[k].width;
        return sum;
    }

    int64_t in_step() const { return (depth + P::SIZE - 1) / P::SIZE * P::SIZE; }
    int64_t out_step() const { return packs * P::SIZE; }
    const T *panel(int64_t pack) const { return matrix.get() + pack * P::SIZE * depth; }

    const mlmd_dense_layer &op;
    int64_t depth, columns, packs;
    Scratch<T> matrix;
};

// Rows first ... first + count - 1 of the parts, side by side.
template <class T>
void gather(const mlmd_columns *parts, int64_t nparts, int64_t first, int64_t count, T *to, int64_t step) {
    for (int64_t k = 0; k < nparts; to += parts[k].width, ++k)
        for (int64_t z = 0; z < count; ++z)
            std::copy_n(static_cast<const T *>(parts[k].data) + (first + z) * parts[k].step, parts[k].width, to + z * step);
}

template <class T>
void scatter(const mlmd_columns *parts, int64_t nparts, int64_t first, int64_t count, const T *from, int64_t step) {
    for (int64_t k = 0; k < nparts; from += parts[k].width, ++k)
        for (int64_t z = 0; z < count; ++z)
            std::copy_n(from + z * step, parts[k].width, static_cast<T *>(parts[k].data) + (first + z) * parts[k].step);
}

// HEIGHT rows times a panel of W registers.
template <int W, class T>
MLMD_INLINE void tile(const T *in, int64_t in_step, int64_t depth, const T *panel, T *out, int64_t out_step) {
    typedef typename Layer<T>::P P;
    P sums[HEIGHT][W];
    for (int z = 0; z < HEIGHT; ++z)
        for (int c = 0; c < W; ++c) sums[z][c] = P::zero();
    for (int64_t k = 0; k < depth; ++k) {
        P b[W];
        MLMD_UNROLL
        for (int c = 0; c < W; ++c) b[c] = P::load(panel + (k * W + c) * P::SIZE);
        MLMD_UNROLL
        for (int z = 0; z < HEIGHT; ++z) {
            MLMD_UNROLL
            for (int c = 0; c < W; ++c) sums[z][c] = fused(in[z * in_step + k], b[c], sums[z][c]);
        }
    }
    MLMD_UNROLL
    for (int z = 0; z < HEIGHT; ++z) {
        MLMD_UNROLL
        for (int c = 0; c < W; ++c) sums[z][c].store(out + z * out_step + c * P::SIZE);
    }
}

// Whole tiles of rows times all panels.
template <class T>
void multiply(const Layer<T> &layer, const T *in, T *out, int64_t rows) {
    const int64_t in_step = layer.in_step(), out_step = layer.out_step();
    for (int64_t pack = 0; pack < layer.packs; pack += WIDTH) {
        const T *panel = layer.panel(pack);
        T *to = out + pack * Layer<T>::P::SIZE;
        for (int64_t z = 0; z < rows; z += HEIGHT) {
            const T *from = in + z * in_step;
            switch (std::min<int64_t>(WIDTH, layer.packs - pack)) {
                case 1: tile<1>(from, in_step, layer.depth, panel, to + z * out_step, out_step); break;
                case 2: tile<2>(from, in_step, layer.depth, panel, to + z * out_step, out_step); break;
                case 3: tile<WIDTH < 3 ? 2 : 3>(from, in_step, layer.depth, panel, to + z * out_step, out_step); break;
                default: tile<WIDTH>(from, in_step, layer.depth, panel, to + z * out_step, out_step);
            }
        }
    }
}

template <class T, class Function>
MLMD_INLINE void for_all(T *x, int64_t count, Function &&function) {
    typedef typename Layer<T>::P P;
    for (int64_t k = 0; k < count; k += P::SIZE) function(k, P::load(x + k)).store(x + k);
}

// One block; `in` and `out` have room for the padded rows of a block.
template <class T>
void block(const Layer<T> &layer, int64_t first, int64_t count, T *in, T *out) {
    typedef typename Layer<T>::P P;
    const mlmd_dense_layer &op = layer.op;
    const int64_t in_step = layer.in_step(), out_step = layer.out_step(), rows = (count + HEIGHT - 1) / HEIGHT * HEIGHT;
    gather(op.in, op.nin, first, count, in, in_step);
    if (op.activation == MLMD_SILU && !op.slope_at)
        for_all(in, count * in_step, [](int64_t, P x) MLMD_LAMBDA { return silu<P, T>(x); });
    multiply(layer, in, out, rows);
    if (op.activation == MLMD_SILU && op.slope_at) {
        T *at = out + rows * out_step;
        gather(op.slope_at, op.nout, first, count, at, out_step);
        for_all(out, count * out_step, [at](int64_t k, P x) MLMD_LAMBDA {
            return P{x.v * silu_slope<P, T>(P::load(at + k)).v};
        });
    }
    scatter(op.out, op.nout, first, count, out, out_step);
}

template <class T>
void all_rows(const mlmd_dense_layer &op, const mlmd_launch &launch) {
    const Layer<T> layer(op);
    const int64_t rows = launch.block ? (launch.block + HEIGHT - 1) / HEIGHT * HEIGHT : ROWS;
    const int64_t room = rows * (layer.in_step() + (op.slope_at ? 2 : 1) * layer.out_step());
    const Scratch<T> scratch(launch.threads * room);
    std::fill_n(scratch.get(), launch.threads * room, T(0));  // what pads the rows is activated too
    each_item(launch, (op.rows + rows - 1) / rows, [&](int64_t item) {
        T *in = scratch.get() + thread_index() * room;
        block(layer, item * rows, std::min(rows, op.rows - item * rows), in, in + rows * layer.in_step());
    });
}

}  // namespace

void dense(const mlmd_dense_layer &op, const mlmd_launch &launch) {
    if (op.type == MLMD_FLOAT32)
        all_rows<float>(op, launch);
    else
        all_rows<double>(op, launch);
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#ifdef MLMD_ENTRY
MLMD_DECLARE(dense, const mlmd_dense_layer &, const mlmd_launch &)

static bool whole(const mlmd_columns *parts, int64_t count) {
    if (!parts || count < 1) return false;
    for (int64_t k = 0; k < count; ++k)
        if (!parts[k].data || parts[k].width < 1 || parts[k].step < parts[k].width) return false;
    return true;
}

mlmd_status mlmd_dense(const mlmd_dense_layer *op, const mlmd_launch *launch) {
    if (const mlmd_status status = mlmd::check(launch)) return status;
    if (!op || !op->matrix || op->rows < 0) return mlmd::fail(MLMD_BAD_ARGUMENT, "the matrix is null, or rows is below 0");
    if (!whole(op->in, op->nin) || !whole(op->out, op->nout) || (op->slope_at && !whole(op->slope_at, op->nout)))
        return mlmd::fail(MLMD_BAD_ARGUMENT, "in, out or slope_at has no columns, or rows that overlap");
    if (op->type != MLMD_FLOAT32 && op->type != MLMD_FLOAT64) return mlmd::fail(MLMD_BAD_ARGUMENT, "unknown type");
    MLMD_GUARDED(MLMD_PICK(mlmd::isa_of(*launch), dense)(*op, *launch))
}
#endif
