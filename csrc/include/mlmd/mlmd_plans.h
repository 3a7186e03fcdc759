/* Plans: the MLMD kernels for programs in C, C++ and Fortran.
 *
 *     mlmd_domain on = {{{70, 70, 72}, {0.4, 0.4, 0.4}, {1, 1, 1}}, 64, MLMD_COMPLEX64};
 *     mlmd_plan *plan;
 *     if (mlmd_check_abi() || mlmd_plan_kin_prop(&on, 0.04, NULL, &plan)) { puts(mlmd_last_error()); return 1; }
 *     for (...) mlmd_execute_kin_prop(plan, psi, A, v, 1);
 *     mlmd_destroy(plan);
 *
 * A plan is made once for a problem and executed on memory of the caller, in place.  Atomic units.  Wave functions are
 * psi[ix][iy][iz][orbital], complex, interleaved (re, im), contiguous; fields are v[ix][iy][iz], double.
 *
 * Several threads may execute one plan at the same time on memory of their own (calls of a Hartree plan wait for one
 * another); making, setting and destroying a plan is for one thread.  In a parallel region of the caller each thread
 * takes plans with threads = 1.  Working memory of kin_prop and nlp_prop is kept with the plan; the other kernels get
 * what they need, little beside psi, from the system in each call.
 */
#ifndef MLMD_PLANS_H
#define MLMD_PLANS_H

#include "mlmd/mlmd_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlmd_plan mlmd_plan;

/* What a plan is for: wave functions on a grid; an axis that is not periodic has zeros one point beyond either end. */
typedef struct mlmd_domain {
    mlmd_box grid; /* points (two or more, three along a periodic axis), spacings in bohr, periodic or not */
    int64_t norb;
    int32_t type; /* mlmd_type */
} mlmd_domain;

typedef enum mlmd_effort {
    MLMD_ESTIMATE = 0,    /* what wisdom knows of this problem, or of the one nearest in size, else the defaults */
    MLMD_WISDOM_ONLY = 1, /* the same, but no plan (MLMD_NO_WISDOM) where wisdom knows nothing */
    MLMD_DEFAULTS = 2     /* never by wisdom */
} mlmd_effort;

/* Start from MLMD_DEFAULT_OPTIONS, so that a later library knows which fields there were. */
typedef struct mlmd_options {
    int64_t size;    /* sizeof(mlmd_options) */
    int32_t threads; /* 0: as many as a parallel region of OpenMP would have here */
    int32_t effort;  /* mlmd_effort */
    void *stream;    /* NULL: this library works on the processor; for streams and queues see the Python plans */
} mlmd_options;

#define MLMD_DEFAULT_OPTIONS {sizeof(mlmd_options), 0, MLMD_ESTIMATE, 0}

/* Each mlmd_plan_NAME sets *plan to a new plan, or to NULL where it returns an error; options may be NULL. */

/* psi <- exp(-i dt v/2) exp(-i dt T) exp(-i dt v/2) psi with T = (p + A/c)^2 / 2 by 3-point differences, `steps` times;
 * A (3 numbers) and v may be NULL.  The packed form is the faster one for many orbitals: see mlmd_pack. */
MLMD_API mlmd_status mlmd_plan_kin_prop(const mlmd_domain *on, double dt, const mlmd_options *options,
                                        mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_kin_prop(const mlmd_plan *plan, void *psi, const double *A, const double *v,
                                           int32_t steps);
MLMD_API mlmd_status mlmd_execute_kin_prop_packed(const mlmd_plan *plan, void *packed, const double *A, const double *v,
                                                  int32_t steps);

/* Wave functions in blocks of orbitals, packed[block][ix][iy][iz][orbital], 64 bytes of orbitals in each (8 of
 * MLMD_COMPLEX64, 4 of MLMD_COMPLEX128), the last one filled up with zeros.  The bytes are 0 for a bad domain. */
MLMD_API int64_t mlmd_packed_bytes(const mlmd_domain *on);
MLMD_API mlmd_status mlmd_pack(const mlmd_domain *on, const void *psi, void *packed, int threads);
MLMD_API mlmd_status mlmd_unpack(const mlmd_domain *on, const void *packed, void *psi, int threads);

/* psi <- exp(-i dt v) psi. */
MLMD_API mlmd_status mlmd_plan_loc_prop(const mlmd_domain *on, double dt, const mlmd_options *options,
                                        mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_loc_prop(const mlmd_plan *plan, void *psi, const double *v);

/* psi <- psi + Q S (Q^H psi dv), Q[ix][iy][iz][rank] orthonormal under dv.  mlmd_set_nlp_prop copies the operator:
 * q of the given type, and s[rank][rank], double complex; with q NULL only s is new.  The mode is the arithmetic of the
 * products, that of psi (MLMD_OF_TYPE) or, for MLMD_COMPLEX64, FP32 numbers in 1, 2 or 3 bf16 parts, or FP64. */
typedef enum mlmd_mode {
    MLMD_OF_TYPE = 0,
    MLMD_BF16X1 = 1,
    MLMD_BF16X2 = 2,
    MLMD_BF16X3 = 3,
    MLMD_FP32 = 4,
    MLMD_FP64 = 5
} mlmd_mode;
MLMD_API mlmd_status mlmd_plan_nlp_prop(const mlmd_domain *on, int64_t rank, int32_t mode,
                                        const mlmd_options *options, mlmd_plan **plan);
MLMD_API mlmd_status mlmd_set_nlp_prop(mlmd_plan *plan, const void *q, int32_t type, const double *s);
MLMD_API mlmd_status mlmd_execute_nlp_prop(const mlmd_plan *plan, void *psi);

/* result[rank][norb], double complex, <- psi0^H psi dv; psi0 has `rank` orbitals of the type of psi. */
MLMD_API mlmd_status mlmd_plan_overlap(const mlmd_domain *on, int64_t rank, const mlmd_options *options,
                                       mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_overlap(const mlmd_plan *plan, const void *psi0, const void *psi, double *result);

/* n[ix][iy][iz] <- sum_s f_s |psi_s|^2. */
MLMD_API mlmd_status mlmd_plan_density(const mlmd_domain *on, const mlmd_options *options, mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_density(const mlmd_plan *plan, const void *psi, const double *f, double *n);

/* Sums over the occupied orbitals, and the density in the same read of psi unless n is NULL; A may be NULL. */
typedef struct mlmd_measure {
    double norm;           /* number of electrons */
    double kinetic_energy; /* hartree */
    double J[3];           /* mean over the volume of the electrons' velocity: the charge -1 is not in it */
} mlmd_measure;
MLMD_API mlmd_status mlmd_plan_current(const mlmd_domain *on, const mlmd_options *options, mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_current(const mlmd_plan *plan, const void *psi, const double *f, const double *A,
                                          double *n, mlmd_measure *measure);

/* v <- potential of the density n, laplacian v = -4 pi n by 3-point differences; where all axes are periodic, of n
 * without its mean, and v has the mean 0.  `start` may be NULL or v itself.  Multigrid goes from start (NULL: from
 * zero) to the relative residual tol; where max_cycles do not suffice, v is what they reached and the status
 * MLMD_NOT_CONVERGED. Annealing makes `sweeps` sweeps from start (NULL: from where the last call of this plan left it,
 * predicted onwards): for a density that moves slowly from call to call, with a solved potential to start from. */
typedef enum mlmd_poisson { MLMD_MULTIGRID = 0, MLMD_ANNEALING = 1 } mlmd_poisson;
typedef struct mlmd_hartree_method {
    int32_t method;     /* mlmd_poisson */
    int32_t max_cycles; /* 0: 100 */
    int32_t sweeps;     /* 0: 4 */
    double tol;         /* 0: 1e-10 */
} mlmd_hartree_method;
MLMD_API mlmd_status mlmd_plan_hartree(const mlmd_box *grid, const mlmd_hartree_method *method,
                                       const mlmd_options *options, mlmd_plan **plan);
MLMD_API mlmd_status mlmd_execute_hartree(mlmd_plan *plan, const double *n, const double *start, double *v);

/* Frees a plan; NULL is fine. */
MLMD_API void mlmd_destroy(mlmd_plan *plan);

/* One line on what the plan is and why it is so, such as "density: 8 x 8 x 8 points, 2 orbitals, complex128, 2 threads,
 * AMD EPYC, v4; block=256 (tuned on 2026-11-21)", at most size bytes of it with the 0 at the end.  Returns the length
 * of the whole line, without the 0; buffer may be NULL if size is 0. */
MLMD_API int64_t mlmd_plan_describe(const mlmd_plan *plan, char *buffer, int64_t size);

/* Takes in what the tuner wrote (`mlmd tune`), for plans made from then on.  path NULL stands for $MLMD_WISDOM, else
 * wisdom.jsonl in $MLMD_CACHE, $XDG_CACHE_HOME/mlmd or ~/.cache/mlmd; that file need not be there.  Lines that are
 * damaged are refused and the others taken: MLMD_BAD_FILE then, with file and line of the first in mlmd_last_error.
 * `count` may be NULL.  Entries count only for the processor, build and number of threads that they were found with.
 * With MLMD_TUNING=off in the environment plans are made as by MLMD_DEFAULTS. */
typedef struct mlmd_wisdom_count {
    int64_t taken, refused; /* lines */
} mlmd_wisdom_count;
MLMD_API mlmd_status mlmd_wisdom_import(const char *path, mlmd_wisdom_count *count);
MLMD_API void mlmd_wisdom_forget(void);

#ifdef __cplusplus
}
#endif
#endif
