from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import INPUT

from mlmd.errors import InputError
from mlmd.io.input import parse_input, read_input

WriteInput = Callable[..., Path]


def test_quantities_become_atomic_units(write_input: WriteInput) -> None:
    config, text = read_input(write_input())
    assert config.dynamics.dt == pytest.approx(0.0413413733)
    assert config.laser.frequency == pytest.approx(0.170650, rel=1e-4)  # type: ignore[union-attr]
    assert "267 nm" in text


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("extra_bands", "extra_band", "[ground_state] extra_band", "did you mean 'extra_bands'"),
        ("[dynamics]", "[dynamic]", "dynamic", "did you mean 'dynamics'"),
        ("duration =", "duratoin =", "[laser] duratoin", "did you mean 'duration'"),
        ('wavelength = "267 nm"', 'wavelength = "267 nm"\nsteps = 3', "[laser] steps", "belongs to [dynamics]"),
        ('"267 nm"', '"267 fs"', "[laser] wavelength", "'fs' is not a unit of wavelength; use one of: bohr"),
        ('"1e12 W/cm2"', '"1e12 W"', "[laser] intensity", "W/cm2"),
        ('wavelength = "267 nm"', "", "[laser] photon_energy", "either 'photon_energy' or 'wavelength'"),
        ("intensity =", "fluence = 1\nintensity =", "[laser] fluence", "together with 'intensity'"),
        ("shape = [8, 8, 9]", 'spacing = "-0.1 nm"', "[grid] spacing", "greater than 0, got '-0.1 nm'"),
        ("shape = [8, 8, 9]", "shape = [8, 8, 1]", "[grid] shape[2]", "must be 3 or more, got 1"),
        ("shape = [8, 8, 9]", "shape = [8, 8.5, 9]", "[grid] shape[1]", "whole number, got 8.5"),
        ("shape = [8, 8, 9]", "shape = [8, 8]", "[grid] shape", "too few entries, got [8, 8]"),
        ("shape = [8, 8, 9]", "", "[grid] shape", "either 'shape' or 'spacing'"),
        ("steps = 60", "", "[dynamics] steps", "either 'steps' or 'time'"),
        ("steps = 60", "steps = true", "[dynamics] steps", "whole number, got true"),
        ("steps = 60", 'steps = 60\nmode = "shadw"', "[dynamics] mode", "did you mean 'shadow'"),
        ('type = "sin2"', 'type = "sin"', "[laser] type", "'gaussian'"),
        ('type = "sin2"', "", "[laser] type", "is missing"),
        ("cell = [8.0, 8.0, 8.0]", "", "[system] cell", "is missing"),
        ("cell = [8.0, 8.0, 8.0]", "cell = [8.0, -8.0, 8.0]", "[system] cell", "greater than 0, got -8"),
        ("cell = [8.0, 8.0, 8.0]", "cell = [8.0, nan, 8.0]", "[system] cell[1]", "finite"),
        ('["H", 0.5, 0.5, 0.41]', '["Hh", 0.5, 0.5, 0.41]', "[system] atoms[0]", "'Hh' is not the symbol"),
        ('["H", 0.5, 0.5, 0.41]', '["H", 0.5, 0.41]', "[system] atoms[0]", "write a row such as"),
        ("plots = false", "plots = 2", "[output] plots", "true or false"),
        ("[output]", "[x]", "x", "is not a known section; known here: title, system"),
    ],
)
def test_one_message_names_the_key(write_input: WriteInput, old: str, new: str, key: str, words: str) -> None:
    path = write_input((old, new))
    with pytest.raises(InputError) as caught:
        read_input(path)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_key_comes_before_the_one_it_leaves_missing(write_input: WriteInput) -> None:
    with pytest.raises(
        InputError, match=r"\[laser\] durations: .*'duration'\?.*to correct as well: \[laser\] duration"
    ):
        read_input(write_input(("duration =", "durations =")))


@pytest.mark.parametrize("text", ["[system\n", "a = \n", "a = 1\na = 2\n"])
def test_toml_syntax(text: str) -> None:
    with pytest.raises(InputError, match=r"bad.toml: is not valid TOML: .*line"):
        parse_input(text, Path("bad.toml"))


def test_a_section_that_is_no_table() -> None:
    with pytest.raises(InputError, match=r"f.toml: \[output\]: must be a section \[output\] with keys, got 3"):
        parse_input("output = 3\n" + INPUT.replace("[output]", "[run]\n#").partition("every")[0], Path("f.toml"))


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_input(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_input(tmp_path / "binary.toml")
