from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd import units


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0.3 angstrom", "length", 0.566917837),
        ("1 Bohr", "length", 1.0),
        ("267 nm", "wavelength", 5045.5687),
        ("4.65 eV", "energy", 0.170884567),
        ("2 Ry", "energy", 1.0),
        ("5 fs", "time", 206.706867),
        ("2 as", "time", 0.0826827467),
        ("3.50945e16 W/cm2", "intensity", 5.4525),  # a field of 1 a.u.: c / (8 pi)
        ("3.50945e16 W / cm^2".replace(" / ", "/"), "intensity", 5.4525),
        ("10 mJ/cm2", "fluence", 0.0642305),
        ("0.01 1/bohr", "kick strength", 0.01),
        ("1.2438403e-5 V s/m", "kick strength", 1.0),  # hbar / (e a0)
        ("90 deg", "angle", 1.5707963),
        ("0.25", "length", 0.25),
        (3, "time", 3.0),
    ],
)
def test_known_values(text: object, kind: str, value: float) -> None:
    assert units.parse(text, kind) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("text", ["5 fs", "5 MeV", "five eV", "", "nan eV", "inf", True, None, [1.0], "1e999 eV"])
def test_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"energy|finite|unit"):
        units.parse(text, "energy")


def test_wrong_unit_names_the_right_ones() -> None:
    with pytest.raises(ValueError, match=r"'eV' is not a unit of length; use one of: bohr, angstrom"):
        units.parse("3 eV", "length")


@given(st.sampled_from(sorted(units.KINDS)), st.data(), st.floats(1e-6, 1e6))
def test_round_trip(kind: str, data: st.DataObject, number: float) -> None:
    unit = data.draw(st.sampled_from(sorted(units.KINDS[kind])))
    assert units.from_atomic(units.parse(f"{number!r} {unit}", kind), unit, kind) == pytest.approx(number)
