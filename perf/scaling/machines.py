"""Machines that are not here, by the nominal rates of one rank."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .model import Roofs
from .network import Network

Positive = Annotated[float, Field(gt=0)]


class Machine(BaseModel):
    """What one rank has, nominally.

    Attributes
    ----------
    name, source : str
        Which machine, and where the numbers come from.
    flops : float
        Peak in the precision of the orbitals, operations per second.
    bandwidth : float
        Of its memory, bytes per second.
    memory : float
        Bytes.
    latency, link : float
        Seconds of a message, and bytes per second into the network.

    Examples
    --------
    >>> AURORA.roofs().flops
    23000000000000.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    source: str = ""
    flops: Positive
    bandwidth: Positive
    memory: Positive
    latency: Positive
    link: Positive

    def roofs(self) -> Roofs:
        """Its roofs."""
        return Roofs(self.flops, self.bandwidth)

    def network(self, handling: float = 0.0) -> Network:
        """Its network; ``handling`` as in `Network`."""
        return Network(self.latency, self.link, handling)

    def handling(self, network: Network | None, here: Roofs) -> float:
        """Of a byte of a sum on this machine, from that of a measured network: it is work of the memory."""
        return network.handling * here.bandwidth / self.bandwidth if network else 0.0


AURORA = Machine(
    name="Aurora, a rank on each tile",
    source=(
        "FP32 peak of a tile of the GPU Max 1550: 23 TFLOP/s (MLMD paper, Table 4); HBM2e: half of the 3.28 TB/s and "
        "128 GB of the card; Slingshot 11: eight links of 25 GB/s in a node, shared by 12 ranks; latency of a "
        "message: 2 microseconds, assumed"
    ),
    flops=23e12,
    bandwidth=1.64e12,
    memory=64e9,
    latency=2e-6,
    link=8 * 25e9 / 12,
)
MACHINES = {"aurora": AURORA}
