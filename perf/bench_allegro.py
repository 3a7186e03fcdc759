"""Allegro models with and without the kernels of MLMD: ``python -m mlmd.perf.bench_allegro``.

Energy and forces of perovskite supercells by models with random weights, in one interleaved run: the module of
nequip-allegro as it is (eager), its export by ``nequip-compile`` (AOTInductor; ``--export FOLDER`` makes the files and
keeps them there, which takes minutes), and the accelerated module.  The peak memory of each is that of a process of its
own.  This program belongs to the application, like ``refresh_docs``: nothing of ``perf`` imports it.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ase import Atoms
from rich.console import Console
from rich.table import Table

from ..nnqmd.allegro import accelerate
from ..tuning.timing import ratio
from .interleave import interleave

CUTOFF = 5.2  # Angstrom
TYPES = ["Pb", "Ti", "O"]
MODELS: dict[str, dict[str, int]] = {
    "l1": {"l_max": 1, "num_layers": 1, "num_scalar_features": 32, "num_tensor_features": 8},
    "l2": {"l_max": 2, "num_layers": 2, "num_scalar_features": 64, "num_tensor_features": 16},
}
Call = Callable[[], Any]


def random_model(name: str, dtype: str = "float32") -> torch.nn.Module:
    """An Allegro model of nequip-allegro with random weights, for evaluation."""
    from allegro.model import AllegroModel
    from nequip.utils.global_state import set_global_state

    set_global_state(allow_tf32=False)
    sizes = MODELS[name]
    width = sizes["num_scalar_features"]
    return AllegroModel(
        seed=1,
        model_dtype=dtype,
        r_max=CUTOFF,
        type_names=TYPES,
        radial_chemical_embed={"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": 8},
        scalar_embed_mlp_hidden_layers_width=width,
        allegro_mlp_hidden_layers_width=width,
        avg_num_neighbors=47.0,
        **sizes,
    ).eval()


def perovskite(cells: int, seed: int = 0) -> Atoms:
    """PbTiO3, ``cells`` cubed cells of 5 atoms, displaced at random."""
    sites = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    cell = Atoms(["Pb", "Ti", "O", "O", "O"], scaled_positions=sites, cell=[3.9, 3.9, 4.1], pbc=True)
    atoms = cell.repeat(cells)
    atoms.rattle(0.08, seed=seed)
    return atoms


def graph(atoms: Atoms) -> dict[str, torch.Tensor]:
    """Data of nequip with its neighbour list."""
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=TYPES)(from_ase(atoms))
    return NeighborListTransform(r_max=CUTOFF)(data)


def export(name: str, threads: int, folder: Path) -> Path:
    """The file of the exported model, whose number of threads is fixed when it is made."""
    from nequip.scripts._compile_utils import ASE_TARGET
    from nequip.utils.aot import aot_export_model

    path = folder / f"allegro_{name}_{threads}.nequip.pt2"
    if path.exists():
        return path
    torch.set_num_threads(threads)
    free = torch.export.Dim
    sizes = {"graph": free.STATIC, "node": free("num_nodes", min=2), "edge": free("num_edges", min=2)}
    data = ASE_TARGET["data_settings"](graph(perovskite(2)))
    folder.mkdir(parents=True, exist_ok=True)
    fields = ASE_TARGET["input"], ASE_TARGET["output"]
    aot_export_model(random_model(name), "cpu", *fields, data, sizes, str(path))
    return path


def exported(path: Path) -> Callable[[dict[str, torch.Tensor]], Any]:
    """An exported model."""
    from nequip.nn.compile import DictInputOutputWrapper
    from nequip.scripts._compile_utils import ASE_TARGET

    loaded = torch._inductor.aoti_load_package(str(path))
    return DictInputOutputWrapper(loaded, ASE_TARGET["input"], ASE_TARGET["output"])


def rivals(name: str, cells: int, threads: int, folder: Path | None) -> dict[str, Call]:
    """Evaluations of one model on one structure."""
    data = graph(perovskite(cells))
    eager = random_model(name)
    ours = accelerate(copy.deepcopy(eager))

    def call(model: Callable[[dict[str, torch.Tensor]], Any], team: int) -> Call:
        def evaluate() -> Any:
            torch.set_num_threads(team)
            return model(dict(data))["forces"]

        return evaluate

    calls = {"eager": call(eager, threads)}
    if folder is not None:
        for team in sorted({1, threads}):
            calls[f"export, {team} thr."] = call(exported(export(name, team, folder)), team)
    return calls | {"accelerated": call(ours, threads)}


def peak(name: str, rival: str, options: argparse.Namespace) -> float:
    """By how many bytes three evaluations raise the memory of a fresh process that has the model and the structure."""
    command = [sys.executable, "-m", "mlmd.perf.bench_allegro", "--peak", name, rival]
    command += ["--cells", str(options.cells), "--threads", str(options.threads)]
    if options.export:
        command += ["--export", str(options.export)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return float(json.loads(answer.stdout.splitlines()[-1]))


def peak_here(name: str, rival: str, options: argparse.Namespace) -> float:
    """The work of `peak` in this process."""
    call = rivals(name, options.cells, options.threads, options.export)[rival]
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = status_bytes("VmRSS")
    for _ in range(3):
        call()
    return status_bytes("VmHWM") - before


def status_bytes(key: str) -> float:
    """A size that Linux tells of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024.0 * float(line.split()[1]) for line in lines if line.startswith(key))


def table(name: str, options: argparse.Namespace) -> Table:
    """Times of all rivals, their ratios to the accelerated one, memory."""
    calls = rivals(name, options.cells, options.threads, options.export)
    clock = time.process_time if options.cpu_time else time.perf_counter
    times = interleave(calls, options.rounds, clock, Console(stderr=True))
    atoms = 5 * options.cells**3
    weights = sum(weight.numel() for weight in random_model(name).parameters())
    sizes = MODELS[name]
    title = f"{name}: l_max {sizes['l_max']}, {sizes['num_layers']} layers, channels "
    title += f"{sizes['num_scalar_features']}/{sizes['num_tensor_features']}, {weights} weights, {atoms} atoms"
    made = Table(title=title)
    for column in ("rival", "us/atom", "s/(atom weight)", "times ours (95 % interval)", "peak MiB"):
        made.add_column(column, justify="right")
    for rival, timing in times.items():
        longer = ratio(timing, times["accelerated"])
        memory = f"{peak(name, rival, options) / 2**20:.0f}" if options.memory else "-"
        second = timing.median / atoms
        times_ours = f"{longer.value:.2f} ({longer.low:.2f}-{longer.high:.2f})"
        made.add_row(rival, f"{1e6 * second:.1f}", f"{second / weights:.2e}", times_ours, memory)
    return made


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m mlmd.perf.bench_allegro", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("models", nargs="*", default=[], help=f"of {', '.join(MODELS)}; by default all")
    parser.add_argument("--cells", type=int, default=6, help="cells of 5 atoms along an edge")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--export", type=Path, help="folder of the exported models, made where they are not there")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processors' time, summed over the threads: where others work too"
    )
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="leave the peak memory out")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        name, rival = options.peak
        print(json.dumps(peak_here(name, rival, options)))
        return
    console = Console(width=120)
    for name in options.models or MODELS:
        console.print(table(name, options))


if __name__ == "__main__":
    main()
