"""The public modules: their names are those of `public_api.txt`, and plugins import no others."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

LISTED = [
    line.split() for line in (Path(__file__).with_name("public_api.txt")).read_text().splitlines()
]
"""A public module and one of its names, a line each."""

MODULES = sorted({module for module, _ in LISTED})


@pytest.mark.parametrize("module", MODULES)
def test_public_module_has_the_names_of_the_list(module: str) -> None:
    """A name is added, deprecated or removed on purpose, with a line in the changelog."""
    names = [name for owner, name in LISTED if owner == module]
    imported = importlib.import_module(module)
    assert sorted(imported.__all__) == names
    assert set(names) <= set(dir(imported))
    for name in names:
        getattr(imported, name)


def test_documentation_lists_the_public_modules() -> None:
    """The page of the public API names every module."""
    page = (REPOSITORY / "docs/public_api.md").read_text(encoding="utf-8")
    for module in MODULES:
        assert f"| `{module}` |" in page


def test_plugin_that_imports_a_private_module_is_refused(tmp_path: Path) -> None:
    """`lint-imports` fails for a plugin that imports more than the public modules."""
    checkout = tmp_path / "checkout"
    for name in ("runtime_core", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, checkout / name, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", checkout)
    plugin = checkout / "plugins/lz4/tesseract_runtime_lz4/plugin.py"
    assert _broken_contracts(checkout) == ""
    plugin.write_text(plugin.read_text() + "\nfrom runtime_core.builtin import endpoints\n")
    forbidden = "tesseract_runtime_lz4.plugin -> runtime_core.builtin.endpoints"
    assert forbidden in _broken_contracts(checkout)


def _broken_contracts(checkout: Path) -> str:
    """Return the broken contracts that `lint-imports` reports for a checkout."""
    folders = [checkout, *(path for path in (checkout / "plugins").iterdir() if path.is_dir())]
    code = (
        f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}; "
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=checkout, capture_output=True, text=True
    )
    return ended.stdout if ended.returncode else ""
