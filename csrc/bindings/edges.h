// Arrays on the edges of a neighbour list.
#pragma once

#include "binding.h"

namespace mlmd_binding {

inline mlmd_real real_type(const py::array &a, const char *what) {
    if (py::isinstance<py::array_t<float>>(a)) return MLMD_FLOAT32;
    require(py::isinstance<py::array_t<double>>(a), what);
    return MLMD_FLOAT64;
}

// The memory of an array of that type and shape; of the one that is written to, if it may be.
inline void *numbers(const py::array &a, mlmd_real type, std::initializer_list<int64_t> shape, bool written) {
    bool fits = contiguous(a) && real_type(a, "x, m and y must be float32 or float64") == type &&
                a.ndim() == static_cast<py::ssize_t>(shape.size());
    py::ssize_t axis = 0;
    for (const int64_t length : shape) fits = fits && a.shape(axis++) == length;
    require(fits, "the arrays on the edges do not fit one another in type and shape, or are not C-contiguous");
    require(!written || a.writeable(), "the array for the result is read-only");
    return const_cast<void *>(a.data());
}

// Those of a form; `begin` has one entry more than there are atoms.
inline mlmd_edges edge_list(const py::array &begin, int64_t edges, int64_t rows, int64_t columns, int64_t channels,
                            mlmd_real type) {
    require(begin.size() > 0, "begin is empty");
    const int64_t *first = read<int64_t>(begin, begin.size(), "begin must be int64");
    require(first[begin.size() - 1] == edges, "the last number of begin is not the number of edges");
    return {first, begin.size() - 1, rows, columns, channels, type};
}

inline mlmd_factor factor(int number) {
    require(number >= 0 && number < 3, "wanted must be 0, 1 or 2");
    return static_cast<mlmd_factor>(number);
}

}  // namespace mlmd_binding
