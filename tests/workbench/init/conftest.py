"""Recipes of plugins that are not installed, but on Python's path."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import here

__all__ = ["here"]  # a fixture, for the tests of this folder

WithRecipe = Callable[[str], Mapping[str, str]]

PLUGIN = """
from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl

def files():
    {body}

@hookimpl
def recipes():
    yield Recipe(name="acme", summary="For tests.", files=files)
"""


@pytest.fixture
def with_recipe(tmp_path: Path) -> WithRecipe:
    """Return a function that writes a plugin with the recipe `acme`.

    It takes the body of the function that gives the files, and returns the environment in which the
    plugin is found.
    """

    def write(body: str) -> Mapping[str, str]:
        site = tmp_path / "site"
        facts = site / "acme_recipes-2.0.dist-info"
        facts.mkdir(parents=True)
        (site / "acme_recipes.py").write_text(PLUGIN.format(body=body))
        (facts / "METADATA").write_text("Name: acme-recipes\nVersion: 2.0\n")
        (facts / "entry_points.txt").write_text("[tesseract_runtime]\nacme = acme_recipes\n")
        return {"PYTHONPATH": str(site)}

    return write


def tree(folder: Path) -> dict[str, str | None]:
    """Return the text of each file below a folder by its path, and `None` for folders."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in folder.rglob("*")
    }


def lines(text: str) -> str:
    """Return a text without its indentation in these tests."""
    return textwrap.dedent(text).lstrip("\n")
