"""The plugin registers an endpoint and a command of one name, at no cost."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import tesseract_runtime_regression_test
from runtime_core.catalog import Catalog
from tests.conftest import REPOSITORY, clean_environment

if TYPE_CHECKING:
    from tests.cli.conftest import Here

DISTRIBUTION = "tesseract-runtime-regression-test"


def test_endpoint_and_command_are_in_the_catalog(catalog: Catalog) -> None:
    """The command replaces the one that the endpoint would have, without a conflict."""
    for registry in (catalog.endpoints, catalog.commands):
        assert registry.entries["test"].distribution == DISTRIBUTION
        assert "test" not in registry.conflicts


def test_what_is_provided_is_what_the_project_says() -> None:
    """The table from which hints are made names what the hooks provide."""
    project = tomllib.loads((REPOSITORY / "plugins/regression_test/pyproject.toml").read_text())
    assert project["project"]["name"] == DISTRIBUTION
    assert project["tool"]["tesseract-runtime"]["provides"] == {
        "endpoints": ["test"],
        "commands": ["test"],
    }


def test_registering_imports_nothing_heavy() -> None:
    """The hooks can be called without numpy, pydantic or Typer."""
    program = (
        "import sys, tesseract_runtime_regression_test.plugin as plugin\n"
        "plugin.endpoints(), plugin.commands()\n"
        "print(sorted({'numpy', 'pydantic', 'typer'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


def test_public_names_are_there() -> None:
    """The package has what its `__all__` lists, and no more."""
    for name in tesseract_runtime_regression_test.__all__:
        assert getattr(tesseract_runtime_regression_test, name).__name__ == name
    assert not hasattr(tesseract_runtime_regression_test, "nonsense")


def test_help(here: Here) -> None:
    """The command is listed once, and its own help says what it takes."""
    listing = here("--help").stdout
    assert [line.split()[0] for line in listing.splitlines() if line.startswith("  test")] == [
        "test"
    ]
    assert "Hold the Tesseract against regression cases." in here("test", "--help").stdout
