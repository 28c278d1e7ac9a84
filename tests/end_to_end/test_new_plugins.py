"""One new plugin of every kind, in one environment: each passes its own checks as it is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tesseract_runtime_workbench.new_files import write_new
from tesseract_runtime_workbench.new_plugin.command import HOOKS
from tesseract_runtime_workbench.new_plugin.distribution import files_of
from tests.end_to_end.conftest import BUILD, Environment
from tests.patience import SECONDS

NAMES = {hook: f"acme-{kind}" for kind, hook in HOOKS.items()}
"""The names of the new plugins, by hook."""


@pytest.fixture(scope="module")
def authors(
    prepared_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """Write all plugins and install their wheels, with the programs that check them."""
    folder = tmp_path_factory.mktemp("authors")
    for hook, name in NAMES.items():
        write_new(folder / name, files_of(name, hook))
    wheels = folder / "wheels"
    build = [sys.executable, "-c", BUILD, str(wheels), *(str(folder / n) for n in NAMES.values())]
    subprocess.run(build, stdout=subprocess.DEVNULL, check=True, timeout=2 * SECONDS)
    built = [f"{name.replace('-', '_')}-0.1.0-py3-none-any.whl" for name in NAMES.values()]
    extras = [f"{wheels / file}[test]" for file in built]
    prepared_environment.install("workbench")
    prepared_environment.change("install", *extras, "pytest-xdist>=3.6")
    yield replace(prepared_environment, folder=folder)
    prepared_environment.change("uninstall", *NAMES.values())
    prepared_environment.uninstall("workbench")
    shutil.rmtree(folder)


def folders(*names: str) -> list[str]:
    """Return folders of all plugins."""
    return [str(Path(plugin, name)) for plugin in NAMES.values() for name in names]


CHECKS = {
    "ruff check": ["."],
    "ruff format": ["--check", "."],
    "mypy": ["--config-file=acme-format/pyproject.toml", *folders("src", "tests")],
    "pytest": ["-q", "-n2", "-c", "acme-format/pyproject.toml", *folders("tests")],
    "tesseract-runtime plugins": ["check"],
}
"""The commands of the README of a new plugin, with the arguments for all plugins."""


@pytest.mark.timeout(600)  # it runs the tests of all plugins
@pytest.mark.parametrize("command", CHECKS)
def test_new_plugins_pass_their_checks(authors: Environment, command: str) -> None:
    """Lint, format, types, tests and trials find nothing in what `plugins new` writes."""
    program, *action = command.split()
    ended = authors.run(program, *action, *CHECKS[command], timeout=5 * SECONDS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
