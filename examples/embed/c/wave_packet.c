/* Two wave packets against their formulas: a free one that spreads, and one that swings in a parabola.
 *
 * Prints what was found beside what should be; the exit code is 1 if they differ by more than the grid explains.
 */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlmd/mlmd_plans.h"

#define N 88 /* points along x; along y and z the packets are flat */
#define THIN 4
#define POINTS (N * THIN * THIN)
#define STEP 0.22 /* bohr */
#define DT 0.01   /* atomic units of time */

static int failed(mlmd_status status) {
    if (status) fprintf(stderr, "%s: %s\n", mlmd_status_name(status), mlmd_last_error());
    return status != MLMD_OK;
}

static double place(int ix) { return (ix - N / 2) * STEP; }

/* A Gaussian at x0 whose density has the width sigma, with one electron in the box. */
static void fill(double complex *psi, double x0, double sigma) {
    const double area = THIN * THIN * STEP * STEP;
    for (int p = 0; p < POINTS; ++p) {
        const double x = place(p / (THIN * THIN)) - x0;
        psi[p] = exp(-x * x / (4 * sigma * sigma)) / sqrt(sqrt(2 * acos(-1.0)) * sigma * area);
    }
}

typedef struct moments {
    double norm, mean, width;
} moments;

static moments moments_of(const double *n) {
    const double dv = STEP * STEP * STEP;
    double sum[3] = {0, 0, 0};
    for (int p = 0; p < POINTS; ++p)
        for (int k = 0; k < 3; ++k) sum[k] += n[p] * pow(place(p / (THIN * THIN)), k) * dv;
    const double mean = sum[1] / sum[0];
    return (moments){sum[0], mean, sqrt(sum[2] / sum[0] - mean * mean)};
}

static int compare(const char *what, double found, double exact, double allowed) {
    const int wrong = !(fabs(found - exact) <= allowed);
    printf("%-34s %12.8f   formula %12.8f   %s\n", what, found, exact, wrong ? "WRONG" : "ok");
    return wrong;
}

/* Width of a free packet: sigma sqrt(1 + (t / 2 sigma^2)^2). */
static int spread(const mlmd_plan *kinetic, const mlmd_plan *density, double complex *psi, double *n) {
    const double sigma = 1.0, one = 1.0;
    int wrong = 0;
    fill(psi, 0.0, sigma);
    for (int part = 1; part <= 3; ++part) {
        const double time = 100 * part * DT;
        if (failed(mlmd_execute_kin_prop(kinetic, psi, NULL, NULL, 100))) return 1;
        if (failed(mlmd_execute_density(density, psi, &one, n))) return 1;
        const moments now = moments_of(n);
        wrong +=
            compare("width of the free packet", now.width, sigma * sqrt(1 + pow(time / (2 * sigma * sigma), 2)), 8e-3);
        wrong += compare("its norm", now.norm, 1.0, 1e-12);
    }
    return wrong;
}

/* A coherent state of the oscillator: the mean is x0 cos(omega t), the width stays, and so does the energy. */
static int swing(const mlmd_plan *kinetic, const mlmd_plan *local, const mlmd_plan *current, double complex *psi,
                 double *n, double *v) {
    const double omega = 0.5, x0 = 1.0, one = 1.0, half_period = acos(-1.0) / omega;
    const double energy = 0.5 * omega + 0.5 * omega * omega * x0 * x0, width = sqrt(0.5 / omega);
    const int steps = (int)floor(half_period / DT / 4);
    int wrong = 0;
    for (int p = 0; p < POINTS; ++p) v[p] = 0.5 * pow(omega * place(p / (THIN * THIN)), 2);
    fill(psi, x0, width);
    for (int part = 1; part <= 4; ++part) {
        for (int step = 0; step < steps; ++step) /* half a step of v on either side, by a plan of its own */
            if (failed(mlmd_execute_loc_prop(local, psi, v)) ||
                failed(mlmd_execute_kin_prop(kinetic, psi, NULL, NULL, 1)) ||
                failed(mlmd_execute_loc_prop(local, psi, v)))
                return 1;
        mlmd_measure now;
        if (failed(mlmd_execute_current(current, psi, &one, NULL, n, &now))) return 1;
        const moments is = moments_of(n);
        double potential = 0;
        for (int p = 0; p < POINTS; ++p) potential += n[p] * v[p] * STEP * STEP * STEP;
        wrong += compare("mean of the swinging packet", is.mean, x0 * cos(omega * part * steps * DT), 1e-2);
        wrong += compare("its width", is.width, width, 1e-2);
        wrong += compare("its energy", now.kinetic_energy + potential, energy, 2e-3);
    }
    return wrong;
}

int main(void) {
    const mlmd_domain on = {{{N, THIN, THIN}, {STEP, STEP, STEP}, {1, 1, 1}}, 1, MLMD_COMPLEX128};
    mlmd_options options = MLMD_DEFAULT_OPTIONS;
    mlmd_plan *kinetic = NULL, *local = NULL, *density = NULL, *current = NULL;
    double complex *psi = malloc(POINTS * sizeof *psi);
    double *n = malloc(POINTS * sizeof *n), *v = malloc(POINTS * sizeof *v);
    char line[256];
    int wrong = 1;

    options.threads = 2;
    if (failed(mlmd_check_abi())) return 1;
    failed(mlmd_wisdom_import(NULL, NULL)); /* what is damaged in it is told, the rest is used */
    if (psi && n && v && !failed(mlmd_plan_kin_prop(&on, DT, &options, &kinetic)) &&
        !failed(mlmd_plan_loc_prop(&on, 0.5 * DT, &options, &local)) &&
        !failed(mlmd_plan_density(&on, &options, &density)) && !failed(mlmd_plan_current(&on, &options, &current))) {
        mlmd_plan_describe(kinetic, line, sizeof line);
        puts(line);
        wrong = spread(kinetic, density, psi, n) + swing(kinetic, local, current, psi, n, v);
    }
    mlmd_destroy(kinetic);
    mlmd_destroy(local);
    mlmd_destroy(density);
    mlmd_destroy(current);
    mlmd_wisdom_forget();
    free(psi);
    free(n);
    free(v);
    puts(wrong ? "failed" : "passed");
    return wrong != 0;
}
