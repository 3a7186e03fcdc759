"""The library that programs link, or the reason why it is not here."""

from __future__ import annotations

import pytest

from mlmd import embed
from mlmd.errors import BackendUnavailable


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip without the library; wisdom is looked up here."""
    try:
        embed.library().mlmd_wisdom_forget()
    except BackendUnavailable as error:
        pytest.skip(str(error))
    monkeypatch.delenv("MLMD_TUNING", raising=False)
