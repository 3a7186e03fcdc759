"""What sections of the input exclude each other."""

from __future__ import annotations

from pathlib import Path

from .config import Config
from .errors import InputError

ONE_OF_TWO = "remove one of the two sections"


def check_single_cell_only(config: Config, section: str, path: Path) -> None:
    """Raise for what only a run of one undivided cell can do.

    Parameters
    ----------
    config : Config
        The input.
    section : str
        The section that asks for more than one cell or box.
    path : Path
        File of the input, for messages.

    Raises
    ------
    InputError
        With nuclei that move, or planned precision.
    """
    if config.nuclei.motion != "fixed":
        problem = f"is '{config.nuclei.motion}', and the nuclei stay where they are under [{section}]"
        raise InputError(path, "[nuclei] motion", problem, ONE_OF_TWO)
    if config.dynamics.precision == "planned":
        problem = f"is 'planned', which is not there for [{section}]"
        raise InputError(path, "[dynamics] precision", problem, "give levels, such as 'fp64' or 'fp32'")
