r"""Cost model of messages between ranks.

A message of n bytes takes :math:`\alpha + n/\beta`. The application knows two collective calls (a line of P ranks):

- ``sum``: each rank sums a piece and hands it to all, MPI_Alltoall and then MPI_Allgather of n/P bytes each. Libraries
  have a tree (log2 P messages, more bytes) and a direct way (P - 1 messages) for the first, and take what is
  faster for the size; the second takes log2 P messages and n (P - 1)/P bytes (Thakur, Rabenseifner and Gropp,
  Int. J. High Perform. Comput. Appl. 19, 49 (2005)).
- ``exchange``: two messages, one to either neighbour.

A sum is besides handled by the rank itself, which cuts it in pieces, adds them and puts them together: so many seconds
for each byte.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls

from ...backends import PlanError

SUM, EXCHANGE = "sum", "exchange"
SIZES = (2**6, 2**10, 2**12, 2**14, 2**16, 2**18)  # bytes, as in the runs on several ranks


class Message(NamedTuple):
    """Calls of one kind: ``sum`` or ``exchange``, how many, bytes of each, ranks that take part."""

    kind: str
    calls: float
    nbytes: float
    ranks: int


class Network(NamedTuple):
    """What messages cost a rank.

    Attributes
    ----------
    latency, link : float
        Seconds of a message, bytes per second.
    handling : float
        Seconds for each byte of a sum within the rank.
    error : float
        Largest relative error of the fit; 0 for nominal rates.
    """

    latency: float
    link: float
    handling: float = 0.0
    error: float = 0.0


def message_seconds(message: Message, network: Network) -> float:
    """Seconds that a rank spends on the messages of one kind.

    Examples
    --------
    >>> made = Network(latency=1e-6, link=1e9)
    >>> [round(1e6 * message_seconds(Message(EXCHANGE, 10, 1000, ranks), made), 9) for ranks in (1, 4)]
    [0.0, 40.0]
    """
    if message.ranks == 1:
        return 0.0
    sent = min(messages * network.latency + nbytes / network.link for messages, nbytes in _ways(message))
    return message.calls * (sent + network.handling * _handled(message))


def _handled(message: Message) -> float:
    return message.nbytes if message.kind == SUM else 0.0


def _ways(message: Message) -> Iterable[tuple[float, float]]:
    """Messages and bytes of one call, for each way to do it."""
    ranks, n = message.ranks, message.nbytes
    if message.kind == EXCHANGE:
        return [(2, 2 * n)]
    tree, gathered = math.ceil(math.log2(ranks)), n * (ranks - 1) / ranks
    return [(tree + tree, 0.5 * n * tree + gathered), (ranks - 1 + tree, 2 * gathered)]


def fit_network(samples: Sequence[tuple[str, float, float]], ranks: int) -> Network:
    """Latency, link and handling from timed calls.

    Parameters
    ----------
    samples : sequence of (str, float, float)
        Kind, bytes, seconds.
    ranks : int
        Ranks that took part.

    Raises
    ------
    PlanError
        With fewer than two sizes.

    Examples
    --------
    >>> made = Network(latency=1e-6, link=1e9, handling=2e-10)
    >>> calls = [Message(kind, 1, n, 2) for kind in (SUM, EXCHANGE) for n in (8, 1e4, 1e6)]
    >>> found = fit_network([(call.kind, call.nbytes, message_seconds(call, made)) for call in calls], 2)
    >>> [float(f"{number:.3g}") for number in found[:3]], found.error < 1e-9
    ([1e-06, 1000000000.0, 2e-10], True)
    """
    if len({size for _, size, _ in samples}) < 2:
        raise PlanError("messages of one size do not tell latency from rate; measure two sizes or more")
    # With few ranks the tree and the direct way are nearly the same.
    calls = [Message(kind, 1, size, ranks) for kind, size, _ in samples]
    rows = np.array([(*next(iter(_ways(call))), _handled(call)) for call in calls])
    rows /= np.array([[seconds] for *_, seconds in samples])
    scale = np.maximum(rows.max(axis=0), np.finfo(float).tiny)
    scaled, _ = nnls(rows / scale, np.ones(len(samples)))
    found = scaled / scale
    latency, inverse, handling = map(float, found)
    error = float(np.abs(rows @ found - 1.0).max())
    return Network(latency, 1.0 / inverse if inverse > 0 else math.inf, handling, error)


def time_line(line: Any, sizes: Sequence[int] = SIZES, rounds: int = 15) -> list[tuple[str, float, float]]:
    """Time the calls of a line of ranks at several sizes; a collective call.

    Parameters
    ----------
    line : mlmd.dcmesh.parallel.Line
        The ranks.
    sizes : sequence of int
        Bytes.
    rounds : int
        The best of so many is taken: whatever disturbs a call only lengthens it.

    Returns
    -------
    list of (str, float, float)
        Kind, bytes, seconds.
    """
    found = []
    for size in sizes:
        array = np.zeros(max(1, size // 8))
        calls: dict[str, Callable[[], Any]] = {
            SUM: lambda array=array: line.sum(array),  # type: ignore[misc]
            EXCHANGE: lambda array=array: line.exchange(array, array),  # type: ignore[misc]
        }
        for kind, call in calls.items():
            repeats = max(1, min(50, 2**20 // size))
            best = min(_seconds(call, repeats) for _ in range(rounds))
            found.append((kind, float(array.nbytes), best))
    return found


def _seconds(call: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


class CountingLine:
    """Stands for a line of ranks: the same calls, counted by kind and bytes. A line of one rank sends nothing.

    Parameters
    ----------
    line : mlmd.dcmesh.parallel.Line
        The ranks.
    counts : dict
        (kind, bytes, ranks) -> calls; lines may share it.

    Examples
    --------
    >>> from mlmd.dcmesh.parallel import Single
    >>> counts: dict = {}
    >>> CountingLine(Single(), counts).sum(np.ones(2)).tolist(), counts
    ([1.0, 1.0], {})
    """

    def __init__(self, line: Any, counts: dict[tuple[str, int, int], int]) -> None:
        self._line, self._counts = line, counts
        self.rank, self.size = line.rank, line.size

    def block(self, count: int) -> slice:
        """The part of ``count`` things in a row that is this rank's."""
        return slice(*self._line.block(count).indices(count))

    def sum(self, array: Any) -> Any:
        """Sum of the arrays of all ranks."""
        self._note(SUM, array)
        return self._line.sum(array)

    def collect(self, things: Any) -> Any:
        """The things of all ranks; not counted, because no step has it."""
        return self._line.collect(things)

    def exchange(self, first: Any, last: Any) -> Any:
        """Send to both neighbours, get theirs."""
        self._note(EXCHANGE, first)
        return self._line.exchange(first, last)

    def _note(self, kind: str, array: Any) -> None:
        if self.size > 1:
            key = (kind, int(array.nbytes), self.size)
            self._counts[key] = self._counts.get(key, 0) + 1


def as_messages(counts: dict[tuple[str, int, int], int], steps: float) -> list[Message]:
    """What was counted in so many steps, per step.

    Examples
    --------
    >>> as_messages({("sum", 24, 2): 3}, 6)
    [Message(kind='sum', calls=0.5, nbytes=24, ranks=2)]
    """
    return [Message(kind, count / steps, nbytes, ranks) for (kind, nbytes, ranks), count in sorted(counts.items())]
