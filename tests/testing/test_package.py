"""The package of the suites: its names, and what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime_core import testing
from tests.conftest import clean_environment


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a new interpreter."""
    return subprocess.run(
        [sys.executable, *arguments, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", testing.__all__)
def test_names_are_there(name: str) -> None:
    """The package has what its `__all__` lists, each with a docstring."""
    assert getattr(testing, name).__doc__


def test_the_runtime_does_not_import_it() -> None:
    """Running a Tesseract loads neither pytest nor hypothesis nor the suites."""
    program = """
import sys, runtime_core
from runtime_core import Array, Runtime, load_catalog
import runtime_core.cli, runtime_core.server.application, runtime_core.workers.worker_main
load_catalog()
print(*sys.modules)
"""
    loaded = set(python(program).stdout.split())
    assert "runtime_core.runtime" in loaded
    assert not loaded & {"pytest", "hypothesis", "runtime_core.testing"}


def test_fixtures_import_nothing_but_pytest() -> None:
    """In a project whose tests do not use them, the fixtures cost the import of one module."""
    program = "import sys, runtime_core.pytest; print(*sys.modules)"
    loaded = {name for name in python(program).stdout.split() if name.startswith("runtime_core")}
    assert loaded == {"runtime_core", "runtime_core.lazy_exports", "runtime_core.pytest"}


IMPORT = "from runtime_core.testing import FormatConformance"


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_what_it_needs_is_said(missing: str) -> None:
    """Without pytest or hypothesis the error has the line that installs them."""
    ended = python(f"import sys; sys.modules[{missing!r}] = None; {IMPORT}")
    assert ended.stderr.splitlines()[-1] == (
        "ImportError: FormatConformance of runtime_core.testing needs pytest and hypothesis. "
        "Install them with: pip install pytest hypothesis"
    )


def test_assertions_are_explained(tmp_path: Path) -> None:
    """A failing test of a suite shows the values that it compared."""
    (tmp_path / "test_it.py").write_text(
        "from runtime_core.testing.echo import check_clarity\n"
        "from runtime_core import Fault\n"
        "def test_it():\n"
        "    check_clarity(Fault(kind='tesseract_failed', message='KeyError: 1'))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "assert 'tesseract_failed' in frozenset(" in ended.stdout
