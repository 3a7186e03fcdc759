"""Each way to go wrong ends with one message that names file and key, exit code 2 and no half-written file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlmd = Callable[..., Any]
WriteInput = Callable[..., Path]
StartCli = Callable[..., "subprocess.Popen[str]"]
RESULTS = {"run.h5", "summary.json", "checkpoint.h5"}
ATOMS = """atoms = [["H", 0.5, 0.5, 0.41], ["H", 0.5, 0.5, 0.59]]"""
CELL = "cell = [8.0, 8.0, 8.0]"


def assert_refused(result: Any, *words: str) -> None:
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert errors == lines[-1:], result.stderr
    for word in words:
        assert word in errors[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 60", "stepz = 60", "[dynamics] stepz: is not a known key; did you mean 'steps'?"),
        ("steps = 60", "steps = = 60", "is not valid TOML: Invalid value (at line 17, column 9)"),
        ('dt = "1 as"', 'dt = "1 nm"', "[dynamics] dt: 'nm' is not a unit of time; use one of: as, fs"),
        ("shape = [8, 8, 9]", "spacing = -1", "[grid] spacing: must be greater than 0, got -1"),
        ('["H", 0.5, 0.5, 0.41]', '["U", 0.5, 0.5, 0.41]', "[system] atoms: no pseudopotential for U"),
        (ATOMS, 'atoms = [["H", 0, 0, 0]]', "[ground_state] smearing: 1 electrons are an odd number"),
        ("shape = [8, 8, 9]", "shape = [8, 8, 3]", "[grid] shape: the grid is too coarse"),
        ("shape = [8, 8, 9]", "spacing = 4", "[grid] spacing: the grid is too coarse"),
        ('dt = "1 as"', 'dt = "30 as"', "[dynamics] dt: dt = 1.24 is beyond the stability limit"),
        ("steps = 60", 'steps = 60\nmode = "exact"\nscissor = "1 eV"', "[dynamics] scissor: shifts the bands of mode"),
        ("steps = 60", 'steps = 60\nscissor = "1 nm"', "[dynamics] scissor: 'nm' is not a unit of energy"),
        ("0.04 fs", "0.4 fs", "[laser] duration: the light ends at 0.4 fs, later than the run (0.06 fs)"),
        ('"reference"', '"cude"', "[dynamics] backend: backend 'cude' is not there; known: cpu"),
        (ATOMS, ATOMS.replace("0.41", "0.58"), "[system] atoms: atoms 1 (H) and 2 (H) are closer than"),
        (ATOMS, 'structure = "none.cif"', "[system] structure: there is no file"),
        (ATOMS, 'structure = "text.txt"', "[system] structure: 'text.txt' is of no format that ASE reads"),
        (ATOMS, 'structure = "cut.xyz"', "[system] structure: 'cut.xyz' cannot be read as a structure"),
        (
            f"{CELL}\n{ATOMS}",
            'structure = "hex.cif"',
            "the cell is not orthorhombic along x, y, z (angles 90.00, 90.00",
        ),
        (f"{CELL}\n{ATOMS}", 'structure = "mol.xyz"', "[system] structure: the structure has no cell; give [system]"),
        (ATOMS, 'structure = "mol.xyz"\nindex = 7', "[system] index: there is no structure number 7 in 'mol.xyz'"),
    ],
)
def test_refused(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, old: str, new: str, words: str) -> None:
    from ase.build import bulk, molecule
    from ase.io import write

    write(tmp_path / "hex.cif", bulk("Ti"))
    write(tmp_path / "mol.xyz", molecule("H2"))
    (tmp_path / "cut.xyz").write_text("5\ncomment\nH 0 0 0\n")
    (tmp_path / "text.txt").write_text("some words\n")
    path = write_input((old, new))
    assert_refused(mlmd_cli("run", path, "--out", "out"), str(path), words)
    assert not (RESULTS & {file.name for file in (tmp_path / "out").glob("*")})


def test_options_are_named_too(mlmd_cli: Mlmd, write_input: WriteInput) -> None:
    assert_refused(mlmd_cli("run", write_input(), "--backend", "sycle"), "in.toml: --backend: backend 'sycle'")
    assert_refused(mlmd_cli("run", "none.toml"), "none.toml: cannot be read (No such file or directory)")
    assert_refused(mlmd_cli("run", write_input(), "--resume", "--force"), "--resume: is given together with --force")
    assert mlmd_cli("run", write_input(), "--precision", "fp16").exit_code == 2


def test_resume_without_checkpoint(mlmd_cli: Mlmd, write_input: WriteInput) -> None:
    assert_refused(mlmd_cli("run", write_input(), "--resume", "--out", "o"), "checkpoint.h5: --resume: there is no")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('dt = "1 as"', 'dt = "1.1 as"', "[dynamics] dt"),
        ("steps = 60", 'steps = 60\nscissor = "0.5 eV"', "[dynamics] scissor"),
        ("1e12", "1e11", "[laser] intensity"),
        ("0.59", "0.60", "[system] positions"),
        ("extra_bands = 2", "extra_bands = 1", "[ground_state] extra_bands"),
    ],
)
def test_checkpoint_of_another_input(mlmd_cli: Mlmd, write_input: WriteInput, old: str, new: str, key: str) -> None:
    assert mlmd_cli("run", write_input(), "--out", "out").exit_code == 0
    other = write_input((old, new))
    assert_refused(mlmd_cli("run", other, "--out", "out", "--resume"), key, "made with another input")


def test_resume_beyond_the_end(mlmd_cli: Mlmd, write_input: WriteInput) -> None:
    assert mlmd_cli("run", write_input(), "--out", "out").exit_code == 0
    shorter = write_input(("steps = 60", "steps = 50"))
    assert_refused(mlmd_cli("run", shorter, "--out", "out", "--resume"), "checkpoint.h5: [dynamics] steps", "step 60")


@pytest.mark.parametrize("name", ["checkpoint.h5", "ground_state.h5"])
def test_damaged_files(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, name: str) -> None:
    path, file = write_input(), tmp_path / "out" / name
    assert mlmd_cli("run", path, "--out", "out").exit_code == 0
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (whole[: len(whole) // 2], whole[:-1], whole[:10], b"", bytes(flipped), whole + b"x"):
        file.write_bytes(damaged)
        assert_refused(mlmd_cli("run", path, "--out", "out", "--resume"), name, "is cut off or was changed")
    file.unlink()
    assert_refused(mlmd_cli("run", path, "--out", "out", "--resume"), name)


def test_ground_state_of_another_run(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> None:
    path = write_input()
    assert mlmd_cli("run", path, "--out", "one").exit_code == 0
    assert mlmd_cli("run", path, "--out", "two").exit_code == 0
    stranger = tmp_path / "two" / "checkpoint.h5"
    (tmp_path / "one" / "checkpoint.h5").write_bytes(stranger.read_bytes())
    result = mlmd_cli("run", path, "--out", "one", "--resume")
    assert_refused(result, "checkpoint.h5: --resume: belongs to another ground state")


def test_nan_stops_at_once_and_keeps_the_last_checkpoint(
    mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAN_AT", "33")
    path = write_input()
    assert_refused(
        mlmd_cli("run", path, "--out", "out"), "in.toml: [dynamics] dt: step 33", "kept in out/checkpoint.h5"
    )
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"checkpoint.h5", "ground_state.h5"}
    monkeypatch.delenv("NAN_AT")
    resumed = mlmd_cli("run", path, "--out", "out", "--resume")
    assert resumed.exit_code == 0
    assert "resumed at step 20" in resumed.stderr


@pytest.mark.parametrize(
    ("largest", "file"), [(1_000, "ground_state.h5"), (40_000, "checkpoint.h5"), (50_000, "light_current.png")]
)
def test_full_disk(start_cli: StartCli, write_input: WriteInput, tmp_path: Path, largest: int, file: str) -> None:
    """A limit on the size of files acts as a full disk."""
    path = write_input(("plots = false", "plots = true"))
    process = start_cli("run", path, "--out", "out", LARGEST_FILE=largest)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2, errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith(f"error: out/{file}: --out: cannot be written (File too large); free some space")
    assert "Traceback" not in errors
    left = {found.name for found in (tmp_path / "out").iterdir()}
    assert left <= {"ground_state.h5", "checkpoint.h5", "run.h5"} - {file}


def test_out_is_a_file(mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(mlmd_cli("run", write_input(), "--out", "file"), "file: --out: cannot be written (File exists)")


@pytest.mark.parametrize("file", ["ground_state.h5", "wisdom.jsonl"])
def test_full_disk_device(
    mlmd_cli: Mlmd, write_input: WriteInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    import errno
    import os

    if file == "wisdom.jsonl":  # a user's own, of which the run keeps a copy before anything else
        monkeypatch.setenv("MLMD_WISDOM", str(tmp_path / file))
        (tmp_path / file).write_text('{"mlmd_wisdom": 1}\n')

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = mlmd_cli("run", write_input(), "--out", "out")
    assert_refused(result, f"{file}: --out: cannot be written (No space left on device)")
