#include <memory>
#include <vector>

#include "edges.h"

namespace mlmd_binding {

// Columns of arrays (rows, width) whose rows may lie apart.
static std::vector<mlmd_columns> columns(const py::list &arrays, int64_t rows, mlmd_real type, bool written) {
    std::vector<mlmd_columns> parts;
    for (const py::handle item : arrays) {
        const py::array a = py::cast<py::array>(item);
        const auto size = static_cast<py::ssize_t>(type == MLMD_FLOAT32 ? sizeof(float) : sizeof(double));
        require(real_type(a, "the columns must be float32 or float64") == type, "the columns have different types");
        require(a.ndim() == 2 && a.shape(0) == rows, "columns must be (rows, width)");
        const bool any = a.size() > 0;  // NumPy gives any steps to axes that have none
        const auto step = rows > 1 && any ? a.strides(0) : a.shape(1) * size;
        require((!any || a.shape(1) == 1 || a.strides(1) == size) && step % size == 0 && step >= a.shape(1) * size,
                "each row of the columns must be contiguous");
        require(!written || a.writeable(), "an array for the result is read-only");
        parts.push_back({const_cast<void *>(a.data()), a.shape(1), step / size});
    }
    require(!parts.empty(), "there are no columns");
    return parts;
}

static int64_t total_width(const std::vector<mlmd_columns> &parts) {
    int64_t sum = 0;
    for (const mlmd_columns &part : parts) sum += part.width;
    return sum;
}

static Work dense(const py::list &in, const py::array &matrix, bool transposed, bool silu, const py::list &slope_at,
                  const py::list &out, mlmd_launch launch) {
    require(matrix.ndim() == 2 && contiguous(matrix), "the matrix must have two axes and be C-contiguous");
    require(!in.empty(), "there are no columns");
    const mlmd_real type = real_type(matrix, "the matrix must be float32 or float64");
    const int64_t rows = py::cast<py::array>(in[0]).shape(0);
    struct Parts {
        std::vector<mlmd_columns> in, out, at;
    };
    const auto parts = std::make_shared<Parts>();
    *parts = {columns(in, rows, type, false), columns(out, rows, type, true), {}};
    if (!slope_at.empty()) parts->at = columns(slope_at, rows, type, false);
    const int64_t depth = total_width(parts->in), width = total_width(parts->out);
    require(matrix.shape(transposed ? 1 : 0) == depth && matrix.shape(transposed ? 0 : 1) == width,
            "the matrix does not have a row for each column in and a column for each column out");
    bool same = parts->at.empty() || parts->at.size() == parts->out.size();
    for (size_t k = 0; same && k < parts->at.size(); ++k) same = parts->at[k].width == parts->out[k].width;
    require(same, "slope_at does not have the columns of the result");
    const mlmd_dense_layer layer = {rows,
                                    parts->in.data(),
                                    static_cast<int64_t>(parts->in.size()),
                                    parts->out.data(),
                                    static_cast<int64_t>(parts->out.size()),
                                    parts->at.empty() ? nullptr : parts->at.data(),
                                    matrix.data(),
                                    transposed,
                                    silu ? MLMD_SILU : MLMD_LINEAR,
                                    type};
    return [=] { return (void)parts, mlmd_dense(&layer, &launch); };
}

static Binding binding([](py::module_ &m) { add_kernel(m, "dense", dense); });

}  // namespace mlmd_binding
