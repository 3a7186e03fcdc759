"""The run folder: which file has which name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .atomic import cannot_write

PLOTS = ("light_current.png", "excitation.png", "density_change.png")
FILM_PLOTS = ("light_map.png", "light_depth.png", "light_spectra.png", "light_energies.png")


@dataclass(frozen=True)
class RunFolder:
    """Names of the files of one run.

    Parameters
    ----------
    path : Path
        The folder.

    Examples
    --------
    >>> RunFolder(Path("out")).summary.name
    'summary.json'
    """

    path: Path

    @property
    def run(self) -> Path:
        """All results, HDF5."""
        return self.path / "run.h5"

    @property
    def summary(self) -> Path:
        """The main figures; written last, so that it marks a finished run."""
        return self.path / "summary.json"

    @property
    def checkpoint(self) -> Path:
        """What ``--resume`` continues from."""
        return self.path / "checkpoint.h5"

    @property
    def ground_state(self) -> Path:
        """The ground state, kept for later runs in this folder."""
        return self.path / "ground_state.h5"

    @property
    def nuclei(self) -> Path:
        """The way of the nuclei, extended XYZ."""
        return self.path / "nuclei.extxyz"

    @property
    def precision(self) -> Path:
        """The plan of the precision and all that led to it, JSON."""
        return self.path / "precision.json"

    @property
    def precision_plot(self) -> Path:
        """Its picture."""
        return self.path / "precision.png"

    @property
    def domains(self) -> Path:
        """Errors of the divided calculation, JSON."""
        return self.path / "domains.json"

    @property
    def domains_scaling(self) -> Path:
        """Time against the number of domains, JSON."""
        return self.path / "domains_scaling.json"

    @property
    def plots(self) -> tuple[Path, ...]:
        """The pictures."""
        return tuple(self.path / name for name in PLOTS)

    @property
    def spectrum(self) -> Path:
        """The spectrum that ``mlmd spectrum`` made, CSV."""
        return self.path / "spectrum.csv"

    @property
    def spectrum_plot(self) -> Path:
        """Its picture."""
        return self.path / "spectrum.png"

    @property
    def light(self) -> Path:
        """The light at both ends of a film, CSV."""
        return self.path / "light.csv"

    @property
    def light_spectra(self) -> Path:
        """Its spectra, CSV."""
        return self.path / "light_spectra.csv"

    @property
    def film_plots(self) -> tuple[Path, ...]:
        """The pictures of a film."""
        return tuple(self.path / name for name in FILM_PLOTS)

    @property
    def light_energies(self) -> Path:
        """The picture of the account of energies."""
        return self.film_plots[-1]

    def is_finished(self) -> bool:
        """Return whether results are there."""
        return self.summary.exists() or self.run.exists()

    def clear_results(self) -> None:
        """Remove the results and the checkpoint of an older run; the ground state stays.

        Raises
        ------
        InputError
            When a file cannot be removed.
        """
        results = (self.summary, self.run, self.checkpoint, self.nuclei, *self.plots)
        light = (self.light, self.light_spectra, *self.film_plots)
        try:
            for file in (*results, *light, self.spectrum, self.spectrum_plot):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from error
