"""The plugin registers a command and a recipe, at no cost."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import tomllib

import pytest

from runtime_core.catalog import Catalog
from tests.conftest import REPOSITORY, clean_environment

DISTRIBUTION = "tesseract-runtime-init"


def test_what_is_provided_is_what_the_project_says(catalog: Catalog) -> None:
    """The table from which hints are made names what the hooks provide."""
    project = tomllib.loads((REPOSITORY / "plugins/init/pyproject.toml").read_text())
    assert project["project"]["name"] == DISTRIBUTION
    assert project["tool"]["tesseract-runtime"]["provides"] == {
        "commands": ["init"],
        "recipes": ["base"],
    }
    assert catalog.commands.entries["init"].distribution == DISTRIBUTION
    assert catalog.recipes.entries["base"].distribution == DISTRIBUTION


def test_registering_imports_nothing_heavy() -> None:
    """The hooks can be called without numpy, pydantic or Typer."""
    program = (
        "import sys, tesseract_runtime_init.plugin as plugin\n"
        "list(plugin.commands()), list(plugin.recipes())\n"
        "print(sorted({'numpy', 'pydantic', 'typer', 'importlib.resources'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("module", ["folder", "recipes", "template"])
def test_examples_in_docstrings_are_right(module: str) -> None:
    """The prompts in the docstrings of a module give what stands below them."""
    results = doctest.testmod(importlib.import_module(f"tesseract_runtime_init.{module}"))
    assert results.failed == 0
