"""The results of a run: ``run.h5`` (everything, self-describing), ``summary.json``, pictures."""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from ase.units import Bohr
from numpy.typing import NDArray

from .. import __version__, backends, units
from ..dcmesh.maxwell import Bulk, Film
from ..engine import GroundState, Propagator
from ..plots import draw
from ..problem import Problem
from .atomic import new_hdf5, write_bytes, write_text
from .folder import RunFolder
from .light_files import light_summary, write_light
from .series import Series
from .trajectory import trajectory

if TYPE_CHECKING:
    from ..run import Timings

_LIBRARIES = ("numpy", "scipy", "h5py", "ase", "pydantic", "numba")
_FORMAT_VERSION = 1


@dataclass(frozen=True)
class Results:
    """All that a finished run knows."""

    problem: Problem
    ground_state: GroundState
    electrons: Propagator
    series: Series
    timings: Timings

    @property
    def light(self) -> Film | Bulk | None:
        """The field that the electrons change, in a run with ``[maxwell]``."""
        return getattr(self.electrons, "light", None)

    @property
    def density_change(self) -> NDArray[np.float64]:
        """Density now minus density of the ground state, (nx, ny, nz), electrons per bohr^3."""
        return self.electrons.density() - self.ground_state.density

    @property
    def seconds_per_electron_step(self) -> float:
        """Wall-clock seconds of the propagation per electron and step."""
        electrons = self.ground_state.electrons * self.problem.cells
        return self.timings.dynamics / (electrons * max(1, self.electrons.step_count))


def write_results(results: Results, folder: RunFolder) -> dict[str, Any]:
    """Write all result files of a run, the summary last.

    Parameters
    ----------
    results : Results
        The finished run.
    folder : RunFolder
        Where they go.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    InputError
        When a file cannot be written; each file is whole or not there.
    """
    change = results.density_change
    with new_hdf5(folder.run) as file:
        _write_run(file, results, change)
    if results.problem.config.output.plots:
        for path, picture in zip(folder.plots, draw(results.problem, results.series, change), strict=True):
            write_bytes(path, picture)
    if "positions" in results.series:
        write_text(folder.nuclei, trajectory(results.problem.atoms, results.series))
    if results.light is not None:
        write_light(results.problem, results.light, results.series, folder)
    summary = summarize(results)
    write_text(folder.summary, json.dumps(summary, indent=2) + "\n")
    return summary


def summarize(results: Results) -> dict[str, Any]:
    """Return the main figures of a run; units are part of the names.

    Parameters
    ----------
    results : Results
        The finished run.

    Returns
    -------
    dict
        Of values that JSON can hold.
    """
    series, ground_state, dynamics = results.series, results.ground_state, results.problem.config.dynamics
    energy = series["energy/total"]
    seconds = results.seconds_per_electron_step
    return {
        "title": results.problem.config.title,
        "input": str(results.problem.path),
        "steps": results.electrons.step_count,
        "time_fs": units.from_atomic(results.electrons.time, "fs", "time"),
        "dt_as": units.from_atomic(dynamics.dt, "as", "time"),
        "grid_shape": list(results.problem.shape),
        "atoms": len(results.problem.atoms),
        "electrons": ground_state.electrons * results.problem.cells,
        "n_exc": float(series["n_exc"][-1]),
        "n_exc_largest": float(series["n_exc"].max()),
        "norm_deviation": float(np.max(series["norm"])),
        "scissor_ev": units.from_atomic(dynamics.scissor, "eV", "energy"),
        "gap_ev": units.from_atomic(ground_state.gap, "eV", "energy"),
        "ground_state_energy_hartree": {term: float(value) for term, value in ground_state.energy.items()},
        "total_energy_start_hartree": float(energy[0]),
        "total_energy_end_hartree": float(energy[-1]),
        "energy_absorbed_hartree": float(energy[-1] - energy[0]),
        **({"light": light_summary(results.light, series)} if results.light else {}),
        "settings": {key: getattr(dynamics, key) for key in ("mode", "hartree", "precision", "backend", "threads")},
        "precision": dict(results.electrons.precision()),
        "seed": results.problem.config.run.seed,
        "ground_state_s": results.timings.ground_state,
        "dynamics_s": results.timings.dynamics,
        "s_per_electron_step": seconds,
        "gflop_per_s": _gflops(results),
        "device": asdict(backends.describe()),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of MLMD, Python and the libraries that are installed.

    Returns
    -------
    dict
        Name to version.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['ase', 'h5py', 'mlmd']
    """
    found = {"mlmd": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _gflops(results: Results) -> float:
    """Return the speed of the propagation in 10^9 floating-point operations per second."""
    if results.timings.dynamics == 0.0:
        return 0.0
    work = results.electrons.flops_per_step() * results.electrons.step_count
    return work / results.timings.dynamics * 1e-9


def _write_run(file: h5py.File, results: Results, change: NDArray[np.float64]) -> None:
    """Fill ``run.h5``."""
    problem = results.problem
    file.attrs["format"] = "mlmd run"
    file.attrs["format_version"] = _FORMAT_VERSION
    file.attrs["title"] = problem.config.title
    file.attrs["created"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    file.attrs["seed"] = problem.config.run.seed
    file.attrs["steps"] = results.electrons.step_count
    file.attrs["conventions"] = (
        "Hartree atomic units; every dataset has its unit as an attribute; "
        "vector potential in Gaussian atomic units (kinetic momentum p + A/c)"
    )
    file.create_group("versions").attrs.update(versions())
    file.create_group("device").attrs.update(
        {key: ", ".join(map(str, value)) if isinstance(value, tuple) else value for key, value in _device().items()}
    )
    _write_input(file.create_group("input"), problem)
    _write_system(file.create_group("system"), problem)
    _write_ground_state(file.create_group("ground_state"), results.ground_state)
    results.series.write(file.create_group("series"))
    told = "levels of precision at the end, and what sentinels found on the way (JSON)"
    _put(file, "precision", json.dumps(results.electrons.precision()), "1", told)
    density = file.create_group("density")
    _put(density, "initial", results.ground_state.density, "bohr^-3", "electron density of the ground state")
    _put(density, "change", change, "bohr^-3", "electron density at the end minus that of the ground state")
    timings = file.create_group("timings")
    _put(timings, "ground_state", results.timings.ground_state, "s", "wall-clock time of the ground state")
    _put(timings, "dynamics", results.timings.dynamics, "s", "wall-clock time of the propagation")
    _put(timings, "per_electron_step", results.seconds_per_electron_step, "s", "propagation per electron and step")


def _device() -> dict[str, Any]:
    return {key: value for key, value in asdict(backends.describe()).items() if value is not None}


def _write_input(group: h5py.Group, problem: Problem) -> None:
    """Store the input as it was written and as it was understood."""
    group.attrs["file"] = str(problem.path)
    group.create_dataset("text", data=problem.text).attrs["description"] = "the input file"
    settings = group.create_dataset("settings", data=problem.config.model_dump_json(indent=1))
    settings.attrs["description"] = "the input as understood, with defaults, in atomic units (JSON)"


def _write_system(group: h5py.Group, problem: Problem) -> None:
    """Store the structure and the grid."""
    atoms = problem.atoms
    lengths = np.asarray(atoms.cell.lengths()) / Bohr
    _put(group, "atomic_numbers", atoms.numbers, "1", "atomic numbers")
    _put(group, "positions", atoms.positions / Bohr, "bohr", "positions of the atoms")
    _put(group, "lengths", lengths, "bohr", "edges of the orthorhombic cell")
    _put(group, "grid_shape", np.array(problem.shape), "1", "grid points along x, y, z")
    _put(group, "grid_spacing", lengths / np.array(problem.shape), "bohr", "grid spacing along x, y, z")


def _write_ground_state(group: h5py.Group, state: GroundState) -> None:
    """Store the main results of the ground state."""
    for name, unit, meaning in (
        ("eigenvalues", "hartree", "Kohn-Sham eigenvalues, [k-point, band]"),
        ("occupations", "electron", "occupations, [k-point, band]"),
        ("kpoints", "1", "fractional k-points"),
        ("weights", "1", "weights of the k-points"),
    ):
        _put(group, name, getattr(state, name), unit, meaning)
    _put(group, "gap", state.gap, "hartree", "lowest empty minus highest occupied eigenvalue")
    for term, value in state.energy.items():
        _put(group, f"energy/{term}", value, "hartree", f"{term} energy of the cell")


def _put(group: h5py.Group, name: str, data: Any, unit: str, meaning: str) -> None:
    """Store a dataset with its unit and meaning."""
    dataset = group.create_dataset(name, data=data)
    dataset.attrs["unit"] = unit
    dataset.attrs["description"] = meaning
