"""Pseudopotentials: table against the published HGH files, Fourier forms against numerical integrals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf, gamma, spherical_jn

from mlmd.dcmesh.errors import PseudopotentialError
from mlmd.dcmesh.qxmd.pseudopotential import read, select, table

HGH = Path(__file__).resolve().parents[3] / "shared" / "pseudo"
needs_hgh = pytest.mark.skipif(not HGH.is_dir(), reason="the published HGH files (shared/pseudo) are not there")


def titanium():
    return select(["Ti"], "lda")["Ti"]


@pytest.mark.parametrize("q", [0.3, 1.7, 6.0])
def test_local_part_is_the_fourier_transform(q: float) -> None:
    p = titanium()

    def short_ranged(r: float) -> float:
        x = r / p.r_loc
        return np.exp(-0.5 * x**2) * sum(c * x ** (2 * i) for i, c in enumerate(p.c))

    def screened(r: float) -> float:
        """The erf tail minus one of width 1, whose transform is -4 pi Z/q^2 exp(-q^2/2)."""
        return -p.charge / r * (erf(r / np.sqrt(2) / p.r_loc) - erf(r / np.sqrt(2)))

    def integrand(r: float) -> float:
        return 4 * np.pi * r * np.sin(q * r) / q * (short_ranged(r) + screened(r))

    expected = quad(integrand, 1e-9, 12.0, limit=400)[0] - 4 * np.pi * p.charge / q**2 * np.exp(-0.5 * q**2)
    assert p.local(np.array([q**2]))[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("l", [0, 1, 2])
@pytest.mark.parametrize("i", [0, 1, 2])
def test_projector_is_the_hankel_transform(l: int, i: int) -> None:
    p = select(["Pb"], "lda")["Pb"]
    channel = next(c for c in p.channels if c.l == l)
    power, q = l + 2 * i, 2.3
    half = l + 2 * i + 1.5
    norm = np.sqrt(2) / (channel.r**half * np.sqrt(gamma(half)))

    def radial(r: float) -> float:
        return norm * r**power * np.exp(-0.5 * (r / channel.r) ** 2)

    assert quad(lambda r: (r * radial(r)) ** 2, 0, 20)[0] == pytest.approx(1.0)
    expected = 4 * np.pi * quad(lambda r: r**2 * radial(r) * spherical_jn(l, q * r), 0, 20)[0]
    assert p.radial(channel, i, np.array([q]))[0] * q**l == pytest.approx(expected, rel=1e-9)


@needs_hgh
@pytest.mark.parametrize(
    "file", ["hgh_lda/H", "hgh_lda/C", "hgh_lda/O", "hgh_lda/Si", "hgh_lda/Pb", "hgh_lda_semicore/Ti_sc"]
)
def test_table_equals_the_published_hgh_file(file: str) -> None:
    (published,) = read(HGH / f"{file}.hgh")
    ours = select([published.element], "lda")[published.element]
    assert ours.charge == published.charge
    assert ours.r_loc == pytest.approx(published.r_loc, abs=1e-6)
    np.testing.assert_allclose(ours.c, published.c[: len(ours.c)], atol=2e-6)
    assert not np.any(published.c[len(ours.c) :])
    assert len(ours.channels) == len(published.channels)
    for mine, theirs in zip(ours.channels, published.channels, strict=True):
        assert mine.l == theirs.l
        assert mine.r == pytest.approx(theirs.r, abs=1e-6)
        np.testing.assert_allclose(mine.h, theirs.h, atol=3e-6)


def test_every_entry_of_the_table_is_sane() -> None:
    for p in table():
        assert 0 < p.charge <= 14
        assert p.r_loc > 0
        for channel in p.channels:
            np.testing.assert_allclose(channel.h, channel.h.T)


def test_a_missing_element_names_what_there_is() -> None:
    with pytest.raises(PseudopotentialError, match=r"element Xe .*it has .*Ti"):
        select(["Xe"], "lda")


def test_a_wrong_name_lists_the_right_ones() -> None:
    with pytest.raises(PseudopotentialError, match="GTH-PADE-q12"):
        select(["Ti"], "lda", {"Ti": "GTH-PADE-q3"})


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "Ti.psp"
    bad.write_text("Ti broken\n 1 2\n x y\n")
    with pytest.raises(PseudopotentialError, match=r"Ti\.psp"):
        select(["Ti"], "lda", {"Ti": str(bad)})
