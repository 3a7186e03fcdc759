"""Files for other programs: LAMMPS dumps for OVITO, XDMF with HDF5 for ParaView."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import ase
import numpy as np

from ..io.atomic import new_hdf5, write_text
from .topology import Array

EXTRA = ("polarisation", "excitation")  # arrays of the atoms that go along


def write_dump(path: Path, frames: Iterable[ase.Atoms]) -> None:
    """Write frames as a LAMMPS dump (text), which OVITO opens.

    Parameters
    ----------
    path : path
        Such as ``ovito.dump``.
    frames : iterable of ase.Atoms
        In orthorhombic cells; ``info["step"]`` is the time step (default: number of the frame). Arrays ``polarisation``
        (atoms, 3) and ``excitation`` (atoms,) become columns.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_text(path, "".join(_dumped(frame, number) for number, frame in enumerate(frames)))


def _dumped(atoms: ase.Atoms, number: int) -> str:
    kinds = {symbol: k for k, symbol in enumerate(sorted(set(atoms.symbols)), 1)}
    extra = {name: atoms.arrays[name].reshape(len(atoms), -1) for name in EXTRA if name in atoms.arrays}
    names = [f"{name}[{k + 1}]" for name, values in extra.items() for k in range(values.shape[1])]
    columns = np.concatenate([atoms.positions, *extra.values()], axis=1)
    bounds = "".join(f"0 {length:.10g}\n" for length in atoms.cell.lengths())
    rows = "".join(
        f"{k} {kinds[symbol]} {symbol} {' '.join(f'{value:.8g}' for value in row)}\n"
        for k, (symbol, row) in enumerate(zip(atoms.symbols, columns, strict=True), 1)
    )
    return (
        f"ITEM: TIMESTEP\n{int(atoms.info.get('step', number))}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\n"
        f"ITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS {' '.join(['id type element xu yu zu', *names])}\n{rows}"
    )


def write_fields(
    path: Path, times: Sequence[float], fields: Mapping[str, Sequence[Array]], edges: Sequence[Array]
) -> None:
    """Write fields on the cells over time as XDMF, with the numbers in an HDF5 file beside it; ParaView opens it.

    Parameters
    ----------
    path : path
        Of the XDMF file; the HDF5 file has the ending ``.h5``.
    times : sequence of float
        In fs.
    fields : mapping
        Name -> for each time an array (nx, ny, nz) or (nx, ny, nz, 3).
    edges : three arrays
        Borders of the cells along x (nx + 1,), y and z, Angstrom.

    Raises
    ------
    InputError
        When a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> edges = [np.arange(3.0), np.arange(4.0), np.arange(2.0)]
    >>> write_fields(folder / "p.xdmf", [0.0], {"P": [np.zeros((2, 3, 1, 3))]}, edges)
    >>> sorted(file.name for file in folder.iterdir())
    ['p.h5', 'p.xdmf']
    """
    data = path.with_suffix(".h5")
    with new_hdf5(data) as file:
        for axis, places in zip("xyz", edges, strict=True):
            file[axis] = np.asarray(places, dtype=np.float64)
        for name, series in fields.items():
            for number, values in enumerate(series):  # XDMF has x fastest, after the components
                file[f"{name}/{number}"] = np.asarray(values, dtype=np.float32).swapaxes(0, 2)
    grids = "".join(_grid(data.name, number, time, fields, edges) for number, time in enumerate(times))
    write_text(
        path,
        '<?xml version="1.0"?>\n<Xdmf Version="3.0">\n<Domain>\n'
        f'<Grid Name="cells" GridType="Collection" CollectionType="Temporal">\n{grids}</Grid>\n</Domain>\n</Xdmf>\n',
    )


def _grid(data: str, number: int, time: float, fields: Mapping[str, Sequence[Array]], edges: Sequence[Array]) -> str:
    """One time: the grid, given by its edges, and what lies on it."""
    nodes = " ".join(str(len(places)) for places in reversed(edges))
    axes = "".join(_item(data, axis, (len(places),), 8) for axis, places in zip("xyz", edges, strict=True))
    found = []
    for name, series in fields.items():
        shape = series[number].swapaxes(0, 2).shape
        kind = "Vector" if len(shape) == 4 else "Scalar"
        item = _item(data, f"{name}/{number}", shape, 4)
        found.append(f'<Attribute Name={quoteattr(name)} AttributeType="{kind}" Center="Cell">\n{item}</Attribute>\n')
    return (
        f'<Grid Name="cells" GridType="Uniform">\n<Time Value="{time:.10g}"/>\n'
        f'<Topology TopologyType="3DRectMesh" Dimensions="{nodes}"/>\n'
        f'<Geometry GeometryType="VXVYVZ">\n{axes}</Geometry>\n{"".join(found)}</Grid>\n'
    )


def _item(data: str, name: str, shape: Sequence[int], precision: int) -> str:
    size = " ".join(map(str, shape))
    form = f'Format="HDF" NumberType="Float" Precision="{precision}" Dimensions="{size}"'
    return f"<DataItem {form}>{data}:/{name}</DataItem>\n"
