"""Networks in blocks: the results of the whole graph, the commands md and serve, and what they say to bad input."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

pytest.importorskip("allegro", reason="nequip-allegro is not installed: pip install 'mlmd[nn]'")

from ase.calculators.socketio import SocketIOCalculator
from typer.testing import CliRunner

from mlmd.cli import app
from mlmd.nnqmd.architecture import Shape
from mlmd.nnqmd.calculator import NeuralNetwork
from mlmd.nnqmd.excited import ExcitedState, weights_of
from mlmd.nnqmd.md.calculator import BlockCalculator
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.network import Network, converted
from mlmd.nnqmd.model_file import Model, save_model

from .md_potential import alloy
from .test_excited import model

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-c", "from mlmd.cli import main; main()", "nn"]


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    return model(1), model(2)


@pytest.fixture
def folder(tmp_path: Path, models: tuple[Model, Model]) -> Path:
    """A folder with a model, an excited one, and a structure in motion."""
    save_model(tmp_path / "ground.safetensors", models[0])
    save_model(tmp_path / "excited.safetensors", models[1])
    atoms = alloy((2, 1, 1))
    atoms.set_array("excitation", np.linspace(0, 1, len(atoms)))
    ase.io.write(tmp_path / "start.xyz", atoms)
    return tmp_path


def evaluate(atoms: ase.Atoms, calculator: object) -> tuple[float, np.ndarray, np.ndarray]:
    atoms.calc = calculator
    return atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()


@pytest.mark.parametrize("blocks", [1, 4, 16])
def test_blocks_give_the_results_of_the_whole_graph(models: tuple[Model, Model], blocks: int) -> None:
    atoms, network = alloy(), Network(models[0])
    whole = evaluate(atoms.copy(), NeuralNetwork(models[0]))
    parts = evaluate(atoms, BlockCalculator(lambda: Forces([network], blocks=blocks), network.elements))
    for got, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-11)


def test_mixed_states_are_those_of_the_calculator(models: tuple[Model, Model]) -> None:
    atoms, networks = alloy(), [Network(one) for one in models]
    calculator = BlockCalculator(lambda: Forces(networks, blocks=3), networks[0].elements, weights_of)
    for weights in (np.linspace(0, 1, len(atoms)), np.zeros(len(atoms)), np.ones(len(atoms))):
        atoms.set_array("excitation", weights)
        whole = evaluate(atoms.copy(), ExcitedState(*models))
        for got, expected in zip(evaluate(atoms, calculator), whole, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-11)


def test_a_model_in_another_precision() -> None:
    single = model(1, shape=Shape(cutoff=4.0, scalars=8, tensors=2, dtype="float32"))
    double = converted(single, "float64")
    assert double.architecture.shape.dtype == "float64"
    atoms = alloy()
    ends = [evaluate(atoms.copy(), NeuralNetwork(one)) for one in (single, double)]
    for got, expected in zip(*ends, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    ratio = Network(single, "float64").bytes_per_pair / Network(single).bytes_per_pair
    assert 1.5 < ratio < 2.5


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["nn", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_the_command_runs_and_goes_on(folder: Path) -> None:
    command = ("md", folder / "ground.safetensors", "--structure", folder / "start.xyz", "--out", folder / "out")
    command += ("--ensemble", "langevin", "--temperature", 300, "--rows", 2, "--frames", 5)
    code, text = run(*command, "--steps", 10)
    assert code == 0 and "potentials (s)" in text, text
    assert run(*command, "--steps", 20)[0] == 0
    assert len(ase.io.read(folder / "out" / "trajectory.xyz", ":")) == 5
    assert len((folder / "out" / "observables.csv").read_text().splitlines()) == 12
    code, text = run(*command, "--steps", 30, "--step", 2)
    assert code == 2 and "it differs in [options] step" in text
    assert run(*command, "--steps", 3, "--step", 2, "--force")[0] == 0


def test_the_excited_state_on_the_command_line(folder: Path, models: tuple[Model, Model]) -> None:
    code, text = run(
        *("md", folder / "ground.safetensors", "--excited", folder / "excited.safetensors", "--structure"),
        *(folder / "start.xyz", "--out", folder / "out", "--steps", 0),
    )
    assert code == 0, text
    frame = ase.io.read(folder / "out" / "trajectory.xyz")
    assert frame.arrays["excitation"][-1] == 1
    expected = evaluate(frame.copy(), ExcitedState(*models))
    np.testing.assert_allclose(frame.get_forces(), expected[1], atol=1e-7)


def test_ctrl_c_ends_in_good_order(folder: Path) -> None:
    command = [*PROGRAM, "md", str(folder / "ground.safetensors"), "--structure", str(folder / "start.xyz")]
    command += ["--out", str(folder / "out"), "--steps", "100000", "--rows", "1"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    table, end = folder / "out" / "observables.csv", time.monotonic() + 120
    while not (table.exists() and table.read_text().count("\n") > 4) and time.monotonic() < end:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 130, errors
    done = int(errors.split("after step ")[1].split(";")[0])
    assert table.read_text().splitlines()[-1].startswith(f"{done},")


def test_bad_input_is_told(folder: Path) -> None:
    ground, start, out = folder / "ground.safetensors", folder / "start.xyz", folder / "out"

    def told(model: Path = ground, structure: Path = start, *options: object) -> str:
        code, text = run("md", model, "--structure", structure, "--out", out, "--steps", 1, *options)
        assert code == 2, text
        assert not out.exists()
        return text

    def written(atoms: ase.Atoms) -> Path:
        ase.io.write(folder / "bad.xyz", atoms)
        return folder / "bad.xyz"

    cut, pickled = folder / "cut.safetensors", folder / "pickled.pt"
    cut.write_bytes(ground.read_bytes()[:-500])
    pickled.write_bytes(pickle.dumps({"weights": 1}))
    for broken in (cut, pickled):
        assert "is no model of MLMD, or was cut off" in told(broken)
    alien, close, flat = ase.Atoms("Xe", cell=[5, 5, 5], pbc=True), ase.io.read(start), ase.io.read(start)
    assert "does not know Xe" in told(ground, written(alien))
    close.positions[1] = close.positions[0] + 0.01
    assert "Angstrom away" in told(ground, written(close))
    flat.cell[2] = flat.cell[0]
    assert "the cell has no volume" in told(ground, written(flat))
    assert "no atoms" in told(ground, written(ase.Atoms(cell=[5, 5, 5], pbc=True)))
    assert "give --temperature" in told(ground, start, "--ensemble", "npt")
    assert "is no amount of memory" in told(ground, start, "--memory", "much")
    assert "is more than one repeat" in told(ground, start, "--repeat", "1,2")


def test_a_driver_is_served(folder: Path, models: tuple[Model, Model]) -> None:
    """ASE's driver gets over the socket what the calculator says, along a way and a strain."""
    name, atoms = f"mlmd_test_{os.getpid()}", ase.io.read(folder / "start.xyz")
    reference = atoms.copy()
    reference.calc = NeuralNetwork(models[0])
    command = [*PROGRAM, "serve", str(folder / "ground.safetensors"), "--structure", str(folder / "start.xyz")]
    with SocketIOCalculator(unixsocket=name, timeout=120) as driver:
        client = subprocess.Popen([*command, "--unix", name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        atoms.calc = driver
        random = np.random.default_rng(0)
        for _ in range(3):
            for one in (atoms, reference):
                one.set_cell(reference.cell * 1.01, scale_atoms=True)
            move = 0.1 * random.standard_normal(atoms.positions.shape)
            atoms.positions += move
            reference.positions += move
            reference.set_cell(atoms.cell)
            reference.positions[:] = atoms.positions
            assert atoms.get_potential_energy() == pytest.approx(reference.get_potential_energy(), abs=1e-8)
            np.testing.assert_allclose(atoms.get_forces(), reference.get_forces(), atol=1e-8)
            np.testing.assert_allclose(atoms.get_stress(), reference.get_stress(), atol=1e-9)
    assert client.wait(timeout=60) == 0
    assert client.stdout is not None and "3 evaluations" in client.stdout.read()


def test_no_driver_is_told(folder: Path) -> None:
    code, text = run("serve", folder / "ground.safetensors", "--structure", folder / "start.xyz", "--unix", "nobody")
    assert code == 2 and "no driver waits at socket nobody" in text


MEMORY = """
import resource, sys
import ase.io
from mlmd.nnqmd.md.forces import Forces
from mlmd.nnqmd.md.network import Network
from mlmd.nnqmd.md.particles import make_system
from mlmd.nnqmd.shipped import shipped_model

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

network, repeat, memory = Network(shipped_model("pto_ground")), int(sys.argv[2]), float(sys.argv[3]) * 2**20
network.bytes_per_pair
start = peak()
system = make_system(ase.io.read(sys.argv[1]).repeat(repeat), network.elements)
forces = Forces([network], memory=memory)
for _ in range(2):
    forces.update(system)
print(peak() - start)
"""


@pytest.mark.slow
def test_memory_stays_within_its_bound(tmp_path: Path) -> None:
    """pytest -m slow -s tests/nnqmd/test_md_network.py: of the network, and 2 kB for each further atom."""
    cell = ase.Atoms("PbTiO3", cell=[3.858, 3.858, 4.299], pbc=True)
    cell.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.537], [0.5, 0.5, 0.1], [0.5, 0, 0.61], [0, 0.5, 0.61]])
    ase.io.write(tmp_path / "cell.xyz", cell)

    def taken(repeat: int, memory: int) -> float:
        arguments = [str(tmp_path / "cell.xyz"), str(repeat), str(memory)]
        answer = subprocess.run(
            [sys.executable, "-c", MEMORY, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return float(answer.stdout)

    for memory in (100, 200, 500):
        found = taken(8, memory)
        print(f"--memory {memory}MiB, 2,560 atoms: {found:.0f} MiB")
        assert 0.3 * memory < found < memory
    found = taken(16, 100)
    print(f"--memory 100MiB, 20,480 atoms: {found:.0f} MiB")
    assert found < 100 + 20_480 * 2 / 2**10
