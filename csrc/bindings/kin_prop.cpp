#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "binding.h"

namespace mlmd_binding {

// The sweeps of a step, which keep the memory that `how` points to.
struct Kinetic {
    Kinetic(const py::array &pairs, const py::array &angles, double phase, const py::array &bonds) {
        require(pairs.ndim() == 2, "pairs must be a table");
        const py::ssize_t count = pairs.shape(0);
        const int32_t *p = read<int32_t>(pairs, 4 * count, "pairs must be (sweeps, 4) int32");
        const double *angle = read<double>(angles, count, "angles must be (sweeps,) float64");
        for (py::ssize_t k = 0; k < count; ++k, p += 4) sweeps.push_back({p[0], p[1], p[2], p[3], angle[k]});
        const double *theta = read<double>(bonds, 3, "bonds must be 3 float64");
        how = {sweeps.data(), count, {theta[0], theta[1], theta[2]}, phase, nullptr, 0.0, 0.0, 1, nullptr, 0};
    }

    std::vector<mlmd_sweep> sweeps;
    mlmd_kinetic how;
};

static Work kin_prop(py::array psi, const py::array &pairs, const py::array &angles, double phase,
                     const py::array &bonds, const py::object &v, const py::array &times, int steps, py::array work,
                     mlmd_launch launch) {
    require(psi.writeable() && contiguous(psi) && psi.ndim() == 5,
            "psi must be (blocks, nx, ny, nz, orbitals), C-contiguous, writable");
    const mlmd_psi waves = {psi.mutable_data(), {psi.shape(1), psi.shape(2), psi.shape(3)}, psi.shape(4),
                            complex_type(psi, "psi must be complex")};
    const auto kinetic = std::make_shared<Kinetic>(pairs, angles, phase, bonds);
    const double *time = read<double>(times, 2, "times must be 2 float64");
    mlmd_kinetic &how = kinetic->how;
    how.before = time[0];
    how.after = time[1];
    how.steps = steps;
    how.work = write<uint8_t>(work, work.size(), "work must be uint8");
    how.work_bytes = work.size();
    if (!v.is_none())
        how.v = read<double>(py::cast<py::array>(v), waves.n[0] * waves.n[1] * waves.n[2],
                                     "v must be (nx, ny, nz) float64");
    const double *theta = static_cast<const double *>(bonds.data());
    const int64_t blocks = psi.shape(0);
    return [=] {
        std::copy_n(theta, 3, kinetic->how.theta);
        return mlmd_kin_prop(&waves, blocks, &kinetic->how, &launch);
    };
}

// psi is (nx, ny, nz, orbitals) for "reordered", (orbitals, nx, ny, nz) for the rungs below it.
static void kin_rung(py::array psi, const std::string &name, const py::array &pairs, const py::array &angles,
                     double phase, const py::array &bonds, int threads) {
    const std::map<std::string, mlmd_rung> rungs = {
        {"baseline", MLMD_BASELINE}, {"contiguous", MLMD_CONTIGUOUS}, {"reordered", MLMD_REORDERED}};
    const auto found = rungs.find(name);
    require(found != rungs.end(), "the rung must be baseline, contiguous or reordered");
    mlmd_psi waves = writable_wave_functions(psi);
    require(psi.ndim() == 4, "psi must have four axes");
    if (found->second != MLMD_REORDERED)
        waves = {psi.mutable_data(), {psi.shape(1), psi.shape(2), psi.shape(3)}, psi.shape(0), waves.type};
    const Kinetic kinetic(pairs, angles, phase, bonds);
    run([&] { return mlmd_kin_rung(&waves, found->second, &kinetic.how, threads); });
}

static Binding binding([](py::module_ &m) {
    add_kernel(m, "kin_prop", kin_prop);
    m.def("kin_rung", kin_rung);
});

}  // namespace mlmd_binding
