// What the Python bindings share.  Each kernel has a file here that checks the arrays, lets go of the interpreter
// lock and calls the C interface; a static Binding adds it to the module, so that no list needs to be kept.
#pragma once

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

#include "mlmd/mlmd_kernels.h"

namespace mlmd_binding {

namespace py = pybind11;

struct Binding {
    explicit Binding(void (*add)(py::module_ &)) : add(add), next(first()) { first() = this; }
    static Binding *&first() {
        static Binding *head = nullptr;
        return head;
    }
    void (*add)(py::module_ &);
    Binding *next;
};

inline void require(bool condition, const char *what) {
    if (!condition) throw std::invalid_argument(std::string("mlmd._cpu: ") + what);
}

inline void raise_if_failed(mlmd_status status) {
    if (status == MLMD_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != MLMD_OK) throw std::invalid_argument(std::string("mlmd._cpu: ") + mlmd_last_error());
}

inline bool contiguous(const py::array &a) { return a.flags() & py::array::c_style; }

template <class T>
const T *read(const py::array &a, py::ssize_t size, const char *what) {
    require(py::isinstance<py::array_t<T>>(a) && contiguous(a) && a.size() == size, what);
    return static_cast<const T *>(a.data());
}

template <class T>
T *write(py::array &a, py::ssize_t size, const char *what) {
    require(a.writeable(), what);
    return const_cast<T *>(read<T>(a, size, what));
}

inline mlmd_type complex_type(const py::array &a, const char *what) {
    if (py::isinstance<py::array_t<std::complex<float>>>(a)) return MLMD_COMPLEX64;
    require(py::isinstance<py::array_t<std::complex<double>>>(a), what);
    return MLMD_COMPLEX128;
}

// Wave functions (nx, ny, nz, norb), or (points, norb).
inline mlmd_psi wave_functions(const py::array &a) {
    require((a.ndim() == 4 || a.ndim() == 2) && contiguous(a), "psi must be (nx, ny, nz, norb), C-contiguous");
    const mlmd_type type = complex_type(a, "psi must be complex");
    mlmd_psi psi = {const_cast<void *>(a.data()), {a.shape(0), 1, 1}, a.shape(a.ndim() - 1), type};
    for (int axis = 1; axis + 1 < a.ndim(); ++axis) psi.n[axis] = a.shape(axis);
    return psi;
}

inline mlmd_psi writable_wave_functions(py::array &a) {
    require(a.writeable(), "psi is read-only");
    return wave_functions(a);
}

inline mlmd_box box(const py::array &field, const py::array &spacing, const py::array &periodic) {
    require(field.ndim() == 3, "the field must have three axes");
    const double *h = read<double>(spacing, 3, "spacing must be 3 float64");
    const int32_t *wraps = read<int32_t>(periodic, 3, "periodic must be 3 int32");
    mlmd_box made;
    for (int axis = 0; axis < 3; ++axis) {
        made.n[axis] = field.shape(axis);
        made.h[axis] = h[axis];
        made.periodic[axis] = wraps[axis];
    }
    return made;
}

template <class Call>
void run(Call &&call) {
    mlmd_status status;
    {
        py::gil_scoped_release release;
        status = call();
    }
    raise_if_failed(status);
}

// The C call that the checked arguments of a kernel come to; it reads the arrays when it is called.
typedef std::function<mlmd_status()> Work;

// That call with the arguments kept, for calls in a loop that cost no checks.
struct Bound {
    Work work;
    py::tuple kept;
};

// Adds a kernel, and beside it bind_NAME which takes the same arguments and gives the call back.
template <class... Args>
void add_kernel(py::module_ &m, const std::string &name, Work (*prepare)(Args...)) {
    m.def(name.c_str(), [prepare](Args... args) { run(prepare(args...)); });
    m.def(("bind_" + name).c_str(), [prepare](Args... args) { return Bound{prepare(args...), py::make_tuple(args...)}; });
}

}  // namespace mlmd_binding
