"""Packing of Q: the parts one after the other, as in the reference."""

from __future__ import annotations

from ..nlp_pack import reference as nlp_pack

__all__ = ["nlp_pack"]
