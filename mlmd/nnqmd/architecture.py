"""What an Allegro model is made of, as plain numbers: enough to build it again without any code of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ase.data import atomic_numbers
from pydantic import AfterValidator, Field

from ..sections import Count, CountOrZero, Section, Switch

if TYPE_CHECKING:
    import torch


def _element(symbol: str) -> str:
    if symbol not in atomic_numbers or symbol == "X":
        raise ValueError(f"'{symbol}' is not the symbol of an element")
    return symbol


Element = Annotated[str, AfterValidator(_element)]
Positive = Annotated[float, Field(gt=0)]


class Shape(Section):
    """Size of an Allegro model (Musaelian et al., Nature Communications 14, 579 (2023)); lengths in Angstrom.

    Examples
    --------
    >>> Shape(cutoff=5.2, l_max=1, layers=1, scalars=32, tensors=8).l_max
    1
    """

    cutoff: Positive = 5.2
    l_max: Annotated[int, Field(ge=0, le=4)] = 1
    parity: Switch = True
    layers: Count = 1
    scalars: Count = 32
    tensors: Count = 8
    depth: Count = 1
    width: Count | None = None
    bessels: Count = 8
    envelope: Count = 6
    dtype: Literal["float32", "float64"] = "float32"


class Architecture(Section):
    """A model whole: its size, its elements, and the constants taken from its data.

    Parameters
    ----------
    shape : Shape
        Size.
    elements : tuple of str
        Symbols, in the order of the types.
    neighbours : float
        Mean number of neighbours within the cutoff.
    shifts, scales : dict
        Energy in eV of an atom of each element without neighbours (0 where not given), and the factor of what its
        neighbours add (1).
    seed : int
        Of the first weights.

    Examples
    --------
    >>> model = Architecture(elements=("Pb", "Ti", "O"), neighbours=47.0)
    >>> model.nequip()["type_names"]
    ['Pb', 'Ti', 'O']
    """

    shape: Shape = Shape()
    elements: Annotated[tuple[Element, ...], Field(min_length=1)]
    neighbours: Positive
    shifts: dict[Element, float] = {}
    scales: dict[Element, Positive] = {}
    seed: CountOrZero = 0

    def nequip(self) -> dict[str, Any]:
        """Return the model section of an input of nequip.

        Returns
        -------
        dict
            With the key ``_target_``, as Hydra takes it.
        """
        shape = self.shape
        mlp = {"hidden_layers_depth": shape.depth, "hidden_layers_width": shape.width or shape.scalars}
        return {
            "_target_": "allegro.model.AllegroModel",
            "seed": self.seed,
            "model_dtype": shape.dtype,
            "type_names": list(self.elements),
            "r_max": shape.cutoff,
            "l_max": shape.l_max,
            "parity": shape.parity,
            "radial_chemical_embed": {
                "_target_": "allegro.nn.TwoBodyBesselScalarEmbed",
                "num_bessels": shape.bessels,
                "polynomial_cutoff_p": shape.envelope,
            },
            "num_layers": shape.layers,
            "num_scalar_features": shape.scalars,
            "num_tensor_features": shape.tensors,
            **{
                f"{part}_mlp_{key}": value
                for part in ("scalar_embed", "allegro", "readout")
                for key, value in mlp.items()
            },
            "avg_num_neighbors": self.neighbours,
            "per_type_energy_shifts": {symbol: self.shifts.get(symbol, 0.0) for symbol in self.elements},
            "per_type_energy_scales": {symbol: self.scales.get(symbol, 1.0) for symbol in self.elements},
        }

    def build(self) -> torch.nn.Module:
        """Build the model with first weights.

        Returns
        -------
        torch.nn.Module
            A graph model of nequip, which computes energy, forces and stress.
        """
        from allegro.model import AllegroModel
        from nequip.utils.global_state import set_global_state

        set_global_state(allow_tf32=False)
        return AllegroModel(**{name: value for name, value in self.nequip().items() if name != "_target_"})
