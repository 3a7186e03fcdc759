"""Which measurements belong together: sizes of domains on one rank, and runs on several."""

from __future__ import annotations

from .launch import mpirun, on_ranks
from .measure import measure_roofs, measure_size
from .records import Measured, NetworkRun, RanksRun, RoofsRun, SizeRun, Store

# Points along an axis, and orbitals.
FITTED = ((14, 16), (14, 32), (16, 32), (20, 16), (20, 32))
HELD_OUT = ((16, 64), (24, 32))
MORE_FITTED = ((20, 64), (24, 64), (28, 32))
MORE_HELD_OUT = ((32, 64),)
SHARED = (16, 32)  # the domain that several ranks share


def measure(store: Store, kind: str, quick: bool, most: int, every: int) -> Measured:
    """Measure what this machine can, or take what an earlier command left.

    Parameters
    ----------
    store : Store
        Keeps the measurements.
    kind : str
        ``"weak"`` or ``"strong"``.
    quick : bool
        Fewer and smaller sizes.
    most : int
        Most ranks.
    every : int
        QD steps between two sums of the currents.
    """
    fitted, held = (FITTED, HELD_OUT) if quick else (FITTED + MORE_FITTED, HELD_OUT + MORE_HELD_OUT)
    roofs = store.get("roofs", RoofsRun, measure_roofs)
    one, out = (
        [
            store.get(f"size {n}^3 x {norb}", SizeRun, lambda n=n, norb=norb: measure_size(n, norb, every))  # type: ignore[misc]
            for n, norb in sizes
        ]
        for sizes in (fitted, held)
    )
    if most == 1:
        return Measured(roofs, one, out, None, [], ["one rank only: no message was measured"])
    if mpirun() is None:
        why = "mpirun or mpi4py is not here (pip install 'mlmd[mpi]'): no message was measured"
        return Measured(roofs, one, out, None, [], [why])
    network = store.get("messages of 2 ranks", NetworkRun, lambda: NetworkRun.model_validate_json(on_ranks(2, {})))
    return Measured(roofs, one, out, network, _several(store, kind, most, every), [])


def _several(store: Store, kind: str, most: int, every: int) -> list[RanksRun]:
    """Runs on 2, 4, ... ranks."""
    counts = [2**power for power in range(1, most.bit_length()) if 2**power <= most]
    jobs = []
    for count in counts:
        if kind == "weak":
            jobs.append((count, 1, (count, 1, 1)))
        else:
            jobs += [(counts[-1], counts[-1], (count, 1, 1)), (1, 1, (1, count, 1)), (1, 1, (1, 1, count))]
    found = []
    for domains, alone, layout in jobs:
        job = {
            "points": SHARED[0],
            "norb": SHARED[1],
            "every": every,
            "domains": domains,
            "layout": layout,
            "alone_domains": alone,
        }
        ranks = layout[0] * layout[1] * layout[2]
        name = f"{domains} domains beside {alone} on {'x'.join(map(str, layout))} ranks"
        found.append(
            store.get(name, RanksRun, lambda r=ranks, job=job: RanksRun.model_validate_json(on_ranks(r, job)))  # type: ignore[misc]
        )
    return found
