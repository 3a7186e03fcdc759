// Sums over the rows of matrices, and over their columns, in double precision: first in slices, then over these.
#pragma once

#include "rotation.h"

namespace mlmd {
namespace MLMD_ISA {

// sums[slice][column] = sum over the rows of a slice of a b; columns are those of real numbers.
template <class T>
MLMD_INLINE void column_products(const T *a, const T *b, double *sums, int64_t rows, int64_t width, int64_t share,
                                 int64_t slice, int64_t column) {
    const int64_t begin = slice * share, end = begin + share < rows ? begin + share : rows;
    double sum = 0.0;
    for (int64_t i = begin * width + column; i < end * width; i += width) sum += double(a[i]) * double(b[i]);
    sums[slice * width + column] = sum;
}

// sums[slice][row] = sum over every `slices`-th real number of a row of w x^2, w of its complex number.
MLMD_INLINE void row_squares(const double *x, const double *w, double *sums, int64_t rows, int64_t width,
                             int64_t slices, int64_t row, int64_t slice) {
    double sum = 0.0;
    for (int64_t i = slice; i < width; i += slices) sum += w[i / 2] * x[row * width + i] * x[row * width + i];
    sums[slice * rows + row] = sum;
}

// to[i] = factor times the sum over slices of `each` numbers that belong together.
MLMD_INLINE void sum_slices(const double *sums, double *to, double factor, int64_t slices, int64_t size, int each,
                            int64_t i) {
    double sum = 0.0;
    for (int64_t s = 0; s < slices; ++s)
        for (int k = 0; k < each; ++k) sum += sums[(s * size + i) * each + k];
    to[i] = factor * sum;
}

}  // namespace MLMD_ISA
}  // namespace mlmd

#define MLMD_COLUMN_PRODUCTS(T, name)                                                                           \
    MLMD_KERNEL(2)                                                                                              \
    column_products_##name(const T *a, const T *b, double *sums, int64_t rows, int64_t width, int64_t share) {  \
        if (column() < width) mlmd::device::column_products(a, b, sums, rows, width, share, row(), column());   \
    }

MLMD_COLUMN_PRODUCTS(float, f32)
MLMD_COLUMN_PRODUCTS(double, f64)

MLMD_KERNEL(2)
row_squares(const double *x, const double *w, double *sums, int64_t rows, int64_t width, int64_t slices) {
    if (row() < rows && column() < slices) mlmd::device::row_squares(x, w, sums, rows, width, slices, row(), column());
}

MLMD_KERNEL(1)
sum_slices(const double *sums, double *to, double factor, int64_t slices, int64_t size, int each) {
    if (item() < size) mlmd::device::sum_slices(sums, to, factor, slices, size, each, item());
}
