"""The plugin registers five commands, an endpoint and a recipe, without heavy imports."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import tomllib

import pytest

from runtime_core.catalog import Catalog
from tests.cli.conftest import Here, here
from tests.conftest import REPOSITORY, clean_environment

__all__ = ["here"]  # a fixture, for the tests of this module

DISTRIBUTION = "tesseract-runtime-workbench"


def test_what_is_provided_is_what_the_project_says(catalog: Catalog) -> None:
    """The table for hints names everything that the hooks provide."""
    project = tomllib.loads((REPOSITORY / "plugins/workbench/pyproject.toml").read_text())
    assert project["project"]["name"] == DISTRIBUTION
    provides = project["tool"]["tesseract-runtime"]["provides"]
    assert provides == {
        "commands": ["check-gradients", "init", "plugins check", "plugins new", "test"],
        "endpoints": ["test"],
        "recipes": ["base"],
    }
    for hook, names in provides.items():
        entries = getattr(catalog, hook).entries
        assert [name for name in names if entries[name].distribution == DISTRIBUTION] == names


def test_endpoint_and_command_are_in_the_catalog(catalog: Catalog) -> None:
    """The command replaces the one that the endpoint would have, without a conflict."""
    for registry in (catalog.endpoints, catalog.commands):
        assert "test" not in registry.conflicts


def test_registering_imports_nothing_heavy() -> None:
    """The hooks can be called without numpy, pydantic, rich or Typer."""
    program = (
        "import sys, tesseract_runtime_workbench.plugin as plugin\n"
        "list(plugin.commands()), list(plugin.endpoints()), list(plugin.recipes())\n"
        "heavy = {'numpy', 'pydantic', 'rich', 'typer', 'importlib.resources'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    "module",
    [
        "init.recipe_files",
        "init.template",
        "regression_test.comparison",
        "regression_test.expected_exception",
    ],
)
def test_examples_in_docstrings_are_right(module: str) -> None:
    """The examples in the docstrings of a module are right."""
    results = doctest.testmod(importlib.import_module(f"tesseract_runtime_workbench.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_help(here: Here) -> None:
    """The command is listed once and has its own help."""
    listing = here("--help").stdout
    assert [line.split()[0] for line in listing.splitlines() if line.startswith("  test")] == [
        "test"
    ]
    assert "Run regression cases on the Tesseract." in here("test", "--help").stdout
