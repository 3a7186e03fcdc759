"""What a run with ``[domains]`` asks of the rest of the input, checked before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..config import Config, DomainSettings
from ..dcmesh.domains.partition import Box, partition
from ..dcmesh.memory import check_memory
from ..dcmesh.qxmd.cell import Ions
from ..dcmesh.qxmd.occupations import required_bands
from ..errors import InputError
from ..exclusions import ONE_OF_TWO, check_single_cell_only


def check_division(config: Config, path: Path) -> None:
    """Check what stands in the input file.

    Parameters
    ----------
    config : Config
        The input.
    path : Path
        Its file, for messages.

    Raises
    ------
    InputError
        With k-points, light that the electrons change, nuclei that move, or planned precision.
    """
    if config.domains is None:
        return
    if config.ground_state.kpoints != (1, 1, 1) or any(config.ground_state.kpoint_shift):
        raise InputError(path, "[ground_state] kpoints", "is not Gamma alone", "domains are solved at Gamma")
    if config.maxwell is not None:
        raise InputError(path, "[maxwell]", "is for cells that are not divided, and there is [domains]", ONE_OF_TWO)
    check_single_cell_only(config, "domains", path)


def check_boxes(config: Config, settings: DomainSettings, ions: Ions) -> list[str]:
    """Check what depends on the structure, and tell the size of what is to come.

    Parameters
    ----------
    config : Config
        An input with ``[domains]``.
    settings : DomainSettings
        That section.
    ions : Ions
        Of the whole cell.

    Returns
    -------
    list of str
        Lines for the user.

    Raises
    ------
    PartitionError
        Divisions or a buffer that do not fit the grid.
    GridError
        A box does not fit into memory.
    """
    boxes = partition(ions.grid, settings.divisions, settings.buffer)
    shape, electrons = boxes[0].grid.shape, max(_electrons(box, ions) for box in boxes)
    bands = required_bands(electrons, config.ground_state.smearing) + config.ground_state.extra_bands
    check_memory(shape, bands, 1, real=True)
    return [f"{len(boxes)} domains of {_by(shape)} points each"]


def _electrons(box: Box, ions: Ions) -> int:
    return round(float(ions.charges[box.holds(ions.positions)].sum()))


def _by(numbers: Sequence[int]) -> str:
    return " x ".join(map(str, numbers))
