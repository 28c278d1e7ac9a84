"""Recipes: templates of new Tesseracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Declares a recipe; `files` returns the texts of files by relative path."""

    name: str
    summary: str
    files: Callable[[], Mapping[str, str]]
