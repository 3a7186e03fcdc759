"""The learning curve of a training as a file: one JSON line an epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_curve(file: Path) -> list[dict[str, Any]]:
    """Read a learning curve; a line that was cut off does not count.

    Parameters
    ----------
    file : path
        What :class:`LearningCurve` wrote.

    Returns
    -------
    list of dict
        One an epoch; empty where there is no file.

    Examples
    --------
    >>> read_curve(Path("nowhere.jsonl"))
    []
    """
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
