"""The files that the page on production shows, with the places of a test in them."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import EXAMPLES, REPOSITORY

MODEL = EXAMPLES / "vectoradd"
"""The model that is put into production."""

INPUTS = {"a": [1, 2, 3], "b": [3, 4, 5]}


def recipe(name: str, replaced: dict[str, object] | None = None) -> str:
    """Read a recipe and replace parts of it, each of which it must have."""
    text = Path(REPOSITORY, "docs", "recipes", name).read_text(encoding="utf-8")
    for old, new in (replaced or {}).items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, str(new))
    return text
