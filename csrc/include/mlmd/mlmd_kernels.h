/* C interface of the MLMD kernels.
 *
 * Every function checks its arguments, works in place on memory of the caller, uses at most `threads` threads
 * (without touching any global thread count) and returns a status; mlmd_last_error() has the words.
 * A process forked from one that had used threads may use one (MLMD_UNSUPPORTED otherwise).
 * Atomic units.  Wave functions are psi[ix][iy][iz][orbital], complex, interleaved (re, im), contiguous.
 */
#ifndef MLMD_KERNELS_H
#define MLMD_KERNELS_H

#include <stdint.h>

#if defined(__GNUC__)
#define MLMD_API __attribute__((visibility("default")))
#else
#define MLMD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The layout of the structures and the meaning of the functions here and in mlmd_plans.h; the library's file name ends with it. */
#define MLMD_ABI_VERSION 1

typedef enum mlmd_status {
    MLMD_OK = 0,
    MLMD_BAD_ARGUMENT = 1,
    MLMD_OUT_OF_MEMORY = 2,
    MLMD_INTERNAL_ERROR = 3,
    MLMD_UNSUPPORTED = 4, /* by this processor, system or build */
    MLMD_NOT_CONVERGED = 5,
    MLMD_NO_WISDOM = 6, /* where a plan may be made by wisdom only */
    MLMD_BAD_FILE = 7   /* a file is not there, or parts of it are refused */
} mlmd_status;

/* Instruction sets, for mlmd_launch: of the x86-64 levels v2, v3 and v4, then v4 with AVX512-BF16, then with AMX-BF16 too. */
typedef enum mlmd_isa_level {
    MLMD_ISA_BEST = 0,
    MLMD_ISA_V2 = 1,
    MLMD_ISA_V3 = 2,
    MLMD_ISA_V4 = 3,
    MLMD_ISA_V4BF16 = 4,
    MLMD_ISA_AMX = 5
} mlmd_isa_level;

typedef enum mlmd_schedule { MLMD_STATIC = 0, MLMD_DYNAMIC = 1 } mlmd_schedule;

/* How a kernel goes about its work; only `threads` has to be given, zeros stand for what is best as a rule.  Results are the
 * same to rounding.  `block` is for kin_prop the number of parts that x is divided in for each block of orbitals (no more
 * than there are planes), for density the grid points, for current the planes of a piece of work, for nlp_prop
 * and overlap the grid points whose products are summed at once, for multigrid and dsa the KiB of the planes in use.
 * `form` is for nlp_prop 1 for the kernels of this library, 2 for those of mlmd_use_blas, where they were given.
 * What does not matter to a kernel is not looked at. */
typedef struct mlmd_launch {
    int32_t threads;
    int32_t isa;      /* mlmd_isa_level */
    int32_t schedule; /* mlmd_schedule: equal shares, or to each thread that is free the next piece */
    int32_t block;
    int32_t form;
} mlmd_launch;

typedef enum mlmd_type { MLMD_COMPLEX64 = 0, MLMD_COMPLEX128 = 1 } mlmd_type;

/* Wave functions on a grid of n[0] x n[1] x n[2] points. */
typedef struct mlmd_psi {
    void *data;
    int64_t n[3];
    int64_t norb;
    mlmd_type type;
} mlmd_psi;

/* Rotation by `angle` of the pairs (start, start+1), (start+2, start+3), ... (count of them) along an axis, and of
 * (n-1, 0) if wrap is set; no point is in two pairs of a sweep:
 * a <- cos a + i sin e^{i theta} b,  b <- cos b + i sin e^{-i theta} a. */
typedef struct mlmd_sweep {
    int32_t axis, start, count, wrap;
    double angle;
} mlmd_sweep;

/* psi <- exp(-i after v) e^{-i phase} (product of the sweeps) exp(-i before v) psi, `steps` times.  theta is the
 * Peierls phase of a bond along each axis; v may be null.  work, if not null, is memory that may be written to; given
 * in each call it saves getting 6 reals for each grid point from the system each time. */
typedef struct mlmd_kinetic {
    const mlmd_sweep *sweeps;
    int64_t nsweeps;
    double theta[3], phase;
    const double *v;
    double before, after;
    int32_t steps;
    void *work;
    int64_t work_bytes;
} mlmd_kinetic;

/* Low-rank operator Q S Q^H dv: s is (rank, rank), complex128; q is (points, rank) of the given type if parts is 0,
 * else what mlmd_nlp_pack made of a complex64 one with as many parts.  work, if not null, is memory that may be
 * written to, of mlmd_nlp_work_bytes; given in each call it saves getting it from the system each time. */
typedef struct mlmd_lowrank {
    const void *q;
    const double *s;
    int64_t rank;
    mlmd_type type;
    double dv;
    int32_t parts;
    void *work;
} mlmd_lowrank;

/* A BLAS library: cblas_cgemm and cblas_zgemm with 64-bit integers, and a function that sets the number of its threads
 * for calls from this thread alone and returns the one before. */
typedef void (*mlmd_gemm)(int order, int left, int right, int64_t m, int64_t n, int64_t k, const void *alpha,
                          const void *a, int64_t a_step, const void *b, int64_t b_step, const void *beta, void *c,
                          int64_t c_step);
typedef struct mlmd_blas {
    mlmd_gemm cgemm, zgemm;
    int (*set_threads_local)(int threads);
} mlmd_blas;

/* A real field's grid; an axis that is not periodic has zeros one point beyond either end. */
typedef struct mlmd_box {
    int64_t n[3];
    double h[3];
    int32_t periodic[3];
} mlmd_box;

/* One grid of the multigrid solver; weight holds those of the two Jacobi sweeps, on the last level
 * (one point) weight[0] is the inverse of the operator's diagonal. */
typedef struct mlmd_level {
    mlmd_box box;
    double weight[2];
} mlmd_level;

typedef struct mlmd_convergence {
    double tol;         /* in: relative residual to reach */
    int32_t max_cycles; /* in */
    int32_t cycles;     /* out */
    double residual;    /* out */
} mlmd_convergence;

/* What each sweep keeps of the motion, and what it adds of the pull. */
typedef struct mlmd_friction {
    const double *keep, *gain;
    int32_t sweeps;
} mlmd_friction;

/* *memory <- zeroed memory, aligned to 64 bytes (from 8 MiB on to 2 MiB, in large pages where the system has them), for
 * mlmd_free.  Each thread writes the share that it has in the kernels first, so that the share lies near its processor. */
MLMD_API mlmd_status mlmd_zeros(int64_t bytes, int threads, void **memory);
MLMD_API void mlmd_free(void *memory);

/* Kinetic propagator.  psi is `blocks` grids of psi->norb orbitals each, one after the other. */
MLMD_API mlmd_status mlmd_kin_prop(const mlmd_psi *psi, int64_t blocks, const mlmd_kinetic *how, const mlmd_launch *launch);

/* The same step as one would write it first (psi[orbital][x][y][z], line by line), with the inner loop along memory,
 * and with the orbitals innermost: what kin_prop is measured against.  Without v, one step at a time, and without care for the norm. */
typedef enum mlmd_rung { MLMD_BASELINE = 0, MLMD_REORDERED = 1, MLMD_CONTIGUOUS = 2 } mlmd_rung;
MLMD_API mlmd_status mlmd_kin_rung(const mlmd_psi *psi, mlmd_rung rung, const mlmd_kinetic *how, int threads);

/* psi <- exp(-i dt v) psi. */
MLMD_API mlmd_status mlmd_loc_prop(const mlmd_psi *psi, const double *v, double dt, const mlmd_launch *launch);

/* Bytes of a packed Q; 0 for sizes below 1, or other parts than 1, 2 and 3. */
MLMD_API int64_t mlmd_nlp_pack_bytes(int64_t points, int64_t rank, int parts);

/* Splits q (points, rank), complex64, into bf16 parts, in the order in which mlmd_nlp_prop reads them. */
MLMD_API mlmd_status mlmd_nlp_pack(const float *q, int64_t points, int64_t rank, int parts, void *packed, int threads);

/* Bytes of working memory of mlmd_nlp_prop with a packed Q; 0 as for mlmd_nlp_pack_bytes. */
MLMD_API int64_t mlmd_nlp_work_bytes(int64_t points, int64_t norb, int64_t rank, int parts, int threads);

/* psi <- psi + Q S (Q^H psi dv), in the arithmetic of the type of Q, or, if that was packed, with 1, 3 or 6 products
 * of the bf16 parts of either factor and sums in FP32. */
MLMD_API mlmd_status mlmd_nlp_prop(const mlmd_psi *psi, const mlmd_lowrank *op, const mlmd_launch *launch);

/* Lets large products go through this library from now on; null: through the own kernels only.  Calls that have
 * begun go on with what they began with. */
MLMD_API mlmd_status mlmd_use_blas(const mlmd_blas *blas);

/* result (rank, norb) <- Q^H psi dv, complex128; op->s is not read, op->parts is 0. */
MLMD_API mlmd_status mlmd_overlap(const mlmd_psi *psi, const mlmd_lowrank *op, double *result, const mlmd_launch *launch);

/* n(r) <- sum_s f_s |psi_s(r)|^2. */
MLMD_API mlmd_status mlmd_density(const mlmd_psi *psi, const double *f, double *n, const mlmd_launch *launch);

/* sums <- {norm, b_x, b_y, b_z} (4 complex numbers), b = sum_s f_s sum_j conj(psi_j) psi_{j+1} dv over the bonds of
 * an axis, and in the same read of psi the density as by mlmd_density, unless n is null. */
MLMD_API mlmd_status mlmd_current(const mlmd_psi *psi, const double *f, const int32_t *periodic, double dv, double *n,
                                  double *sums, const mlmd_launch *launch);

/* V-cycles for laplacian v = -rhs; converged or not is for the caller to see in `goal`. */
MLMD_API mlmd_status mlmd_multigrid(double *v, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                                    mlmd_convergence *goal, const mlmd_launch *launch);

/* Some planes along x of a level, levels[0], which is not periodic along x, and of the next one, levels[1].  Plane i lies
 * part[i] of the way from plane low[i] of the next level to plane low[i] + 1; low does not fall. */
typedef struct mlmd_slab {
    const mlmd_level *levels;
    const int64_t *low;
    const double *part;
} mlmd_slab;

/* The two halves of a V-cycle's visit of a slab.  Down: v <- two sweeps from start (null: zeros), coarse <- the residual
 * restricted.  Up: v <- two sweeps from v + the interpolated coarse field.  Beyond both ends are zeros, so that v is that
 * of the whole level but for 2 planes at either end, the residual but for 3, and after both halves v but for 4. */
MLMD_API mlmd_status mlmd_slab_down(const mlmd_slab *slab, const double *start, const double *rhs, double *v,
                                    double *coarse, const mlmd_launch *launch);
MLMD_API mlmd_status mlmd_slab_up(const mlmd_slab *slab, const double *rhs, const double *coarse, double *v,
                                  const mlmd_launch *launch);

/* Sweeps of motion <- keep motion + gain M^-1 (laplacian v + rhs), v <- v + motion; M^-1 adds up the Jacobi corrections
 * of all levels. */
MLMD_API mlmd_status mlmd_dsa(double *v, double *motion, const double *rhs, const mlmd_level *levels, int64_t nlevels,
                              const mlmd_friction *friction, const mlmd_launch *launch);

/* Roofs of the machine, for perf.  A pass over arrays of `size` real numbers: a <- factor; a <- factor a;
 * a[0] <- sum of b; a <- b + factor c.  Each thread works on the same share of the arrays in every pass, so that
 * filling places memory near the thread that uses it. */
typedef enum mlmd_real { MLMD_FLOAT32 = 0, MLMD_FLOAT64 = 1 } mlmd_real;
typedef enum mlmd_pass { MLMD_PASS_FILL = 0, MLMD_PASS_SCALE = 1, MLMD_PASS_READ = 2, MLMD_PASS_TRIAD = 3 } mlmd_pass;
typedef enum mlmd_bf16_unit { MLMD_BF16_TILES = 0, MLMD_BF16_DOT_PRODUCTS = 1 } mlmd_bf16_unit;

typedef struct mlmd_stream {
    mlmd_pass pass;
    mlmd_real type;
    void *a;
    const void *b, *c;
    int64_t size;
    double factor;
} mlmd_stream;

MLMD_API mlmd_status mlmd_memory_pass(const mlmd_stream *work, int threads);

/* Independent chains of multiply-adds, `rounds` long, in the registers of each thread; *flops <- operations done. */
MLMD_API mlmd_status mlmd_fma_peak(mlmd_real type, int64_t rounds, int threads, double *flops);

/* The same with bf16 products and FP32 sums; MLMD_UNSUPPORTED where the unit is not there. */
MLMD_API mlmd_status mlmd_bf16_peak(mlmd_bf16_unit unit, int64_t rounds, int threads, double *flops);

/* Real numbers on the edges of a neighbour list that is sorted by the centres: those of atom n are begin[n] to
 * begin[n + 1] - 1.  `rows`, `columns` and `channels` are axes of the arrays of a form, channels last. */
typedef struct mlmd_edges {
    const int64_t *begin;
    int64_t atoms, rows, columns, channels;
    mlmd_real type;
} mlmd_edges;

/* Sums of products of three arrays, and which of the three a call is to give the gradient in: that one is written, the
 * other two are read.  For z an edge of atom n:
 * edge_product:  sum x[z][row][u] m[n][row][column][u] y[z][column][u]
 * edge_sum:      sum x[z][row] w[z][column][u] a[n][row][u], where group[column] <= row < group[column + 1]
 * edge_coupling: sum v[e][u] a[n][row(e)][u] m[n][column(e)][u] over entries e, in the order of their columns. */
typedef enum mlmd_factor { MLMD_FIRST = 0, MLMD_SECOND = 1, MLMD_THIRD = 2 } mlmd_factor;

typedef struct mlmd_entries {
    const int32_t *row, *column;
    int64_t count;
} mlmd_entries;

MLMD_API mlmd_status mlmd_edge_product(const mlmd_edges *edges, mlmd_factor wanted, void *x, void *m, void *y,
                                       const mlmd_launch *launch);
MLMD_API mlmd_status mlmd_edge_sum(const mlmd_edges *edges, const int32_t *group, mlmd_factor wanted, void *x, void *w,
                                   void *a, const mlmd_launch *launch);
MLMD_API mlmd_status mlmd_edge_coupling(const mlmd_edges *edges, const mlmd_entries *entries, mlmd_factor wanted, void *v,
                                        void *a, void *m, const mlmd_launch *launch);

/* Some columns of a matrix: row z begins at data + z * step (in numbers). */
typedef struct mlmd_columns {
    void *data;
    int64_t width, step;
} mlmd_columns;

/* A layer of a perceptron for `rows` rows: out = f(in) matrix, where the parts of `in` and of `out` stand side by side
 * and f is silu(x) = x / (1 + exp(-x)), or nothing; or, where slope_at is given (parts as of `out`), out = f'(slope_at)
 * in matrix.  The matrix is (columns of in, columns of out), or its transpose. */
typedef enum mlmd_activation { MLMD_LINEAR = 0, MLMD_SILU = 1 } mlmd_activation;
typedef struct mlmd_dense_layer {
    int64_t rows;
    const mlmd_columns *in;
    int64_t nin;
    const mlmd_columns *out;
    int64_t nout;
    const mlmd_columns *slope_at;
    const void *matrix;
    int32_t transposed;
    mlmd_activation activation;
    mlmd_real type;
} mlmd_dense_layer;
MLMD_API mlmd_status mlmd_dense(const mlmd_dense_layer *layer, const mlmd_launch *launch);

/* Words for the last status of this thread that was not MLMD_OK; they hold until the next one. */
MLMD_API const char *mlmd_last_error(void);

/* The name of a status, such as "MLMD_BAD_ARGUMENT". */
MLMD_API const char *mlmd_status_name(int32_t status);

/* MLMD_ABI_VERSION as the library was compiled, and whether it is that of this header: to be called before all else. */
MLMD_API int32_t mlmd_abi_version(void);
MLMD_API mlmd_status mlmd_require_abi(int32_t version);
static inline mlmd_status mlmd_check_abi(void) { return mlmd_require_abi(MLMD_ABI_VERSION); }

/* Instruction set of the running variant: "v2", "v3", "v4" (x86-64 levels), "v4bf16" (and AVX512-BF16), "amx" (and
 * AMX-BF16) or "generic".  The environment variable MLMD_ISA asks for one; a name that does not run here is passed
 * over. */
MLMD_API const char *mlmd_isa(void);

/* The processor and the instruction set in use, such as "AMD EPYC, v4bf16". */
MLMD_API const char *mlmd_device(void);

/* A number in hexadecimal digits that stands for how a kernel was built: its sources, the compiler and its flags, the
 * version; null for a kernel that is not there. */
MLMD_API const char *mlmd_build_id(const char *kernel);

#ifdef __cplusplus
}
#endif
#endif
