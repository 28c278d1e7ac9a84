"""The recipe `note`: a Tesseract that begins as an idea."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl

FILES = {
    "README.md": "# A Tesseract to be\n",
    "notes/idea.md": "What goes in, what comes out?\n",
}


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide notes."""
    yield Recipe(name="note", summary="Notes instead of code.", files=lambda: FILES)
