"""Models that come with the package, trained by the project; see docs/models.md for data, errors and limits."""

from __future__ import annotations

from pathlib import Path

from ..errors import MlmdError
from .model_file import Model, load_model

FOLDER = Path(__file__).parent / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with the package.

    Returns
    -------
    list of str

    Examples
    --------
    >>> shipped_models()
    ['pto_excited', 'pto_ground']
    """
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def find_model(name: str | Path) -> Model:
    """Load a model from a file, or by its name one that comes with the package.

    Parameters
    ----------
    name : str or path
        What the user gave.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        See :func:`mlmd.nnqmd.model_file.load_model`.
    """
    return shipped_model(str(name)) if str(name) in shipped_models() and not Path(name).exists() else load_model(name)


def shipped_model(name: str) -> Model:
    """Load a model that comes with the package.

    Parameters
    ----------
    name : str
        One of :func:`shipped_models`.

    Returns
    -------
    Model

    Raises
    ------
    MlmdError
        Another name.

    Examples
    --------
    >>> shipped_model("pto_ground").architecture.elements
    ('O', 'Ti', 'Pb')
    """
    if name not in shipped_models():
        raise MlmdError(f"no model '{name}' comes with MLMD; there are {', '.join(shipped_models())}")
    return load_model(FOLDER / f"{name}.safetensors")
