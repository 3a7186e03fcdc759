"""Sweeps: the same kernels on several backends, at several sizes and in several modes, unattended (``mlmd sweep``)."""

from __future__ import annotations
