"""Precision as the input asks for it: planned within a budget on an observable, and watched while the run lasts."""

from __future__ import annotations

from .plan import Plan, PlanMissing, find_plan, keep_plan

__all__ = ["Plan", "PlanMissing", "find_plan", "keep_plan"]
