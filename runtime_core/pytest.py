"""The fixtures for tests of plugins and Tesseracts, which pytest finds by its entry points.

pytest imports this module in every environment with the runtime: the fixtures import the rest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.runtime import Runtime
    from runtime_core.testing.served import Served

pytest.register_assert_rewrite("runtime_core.testing")

DOUBLE = '''
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs: InputSchema) -> OutputSchema:
    """Double x."""
    return OutputSchema(y=2 * inputs.x)
'''
"""The source of the smallest Tesseract that computes something."""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return everything that the installed plugins provide.

    Override it to test a plugin that is not installed: `load_catalog(extra=[module])`.
    """
    from runtime_core.plugins import PluginSelection, load_catalog

    return load_catalog(PluginSelection())


@pytest.fixture
def unchanged_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail a test that leaves changed variables, handlers of signals or working directory.

    Variables that libraries add count only if they are options of the runtime. Modules and folders
    of Python's path that the Tesseracts of the test have added are removed.
    """
    before, path, modules = _environment(), [*sys.path], {*sys.modules}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        yield
    sys.path[:] = path
    folder = str(tmp_path_factory.getbasetemp())
    for name in sys.modules.keys() - modules:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]
    after = _environment()
    changed = {name for name, value in before.items() if after.get(name) != value}
    added = {name for name in after.keys() - before.keys() if "TESSERACT" in name}
    if changed or added:
        pytest.fail(f"The test has changed {', '.join(sorted(changed | added))}.")


def _environment() -> dict[str, object]:
    handlers = {each.name: str(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)}
    variables = {
        name: value
        for name, value in os.environ.items()
        if name != _OF_PYTEST and not name.startswith("_")  # those are the libraries' own
    }
    return {**variables, **handlers, "the working directory": os.getcwd()}


_OF_PYTEST = "PYTEST_CURRENT_TEST"


@pytest.fixture
def tesseract(tmp_path: Path, unchanged_environment: None) -> Callable[..., Path]:
    """Return a function that writes a `tesseract_api.py`, and modules beside it."""

    def write(source: str = DOUBLE, **siblings: str) -> Path:
        folder = tmp_path / "tesseract"
        folder.mkdir(exist_ok=True)
        for name, text in {**siblings, "tesseract_api": source}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return folder / "tesseract_api.py"

    return write


@pytest.fixture
def runtime(catalog: Catalog, tesseract: Callable[..., Path]) -> Callable[..., Runtime]:
    """Return a function that makes a runtime of the source of a Tesseract, with global options."""
    from runtime_core.config import resolve
    from runtime_core.runtime import local_runtime

    def make(source: str = DOUBLE, **flags: Any) -> Runtime:
        flags = {"api_path": str(tesseract(source)), **flags}
        return local_runtime(catalog, resolve(catalog, flags=flags, environment={}))

    return make


@pytest.fixture
def cli_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command in this process, in an empty folder.

    What user code prints may be mixed with the result here.
    """
    from runtime_core.cli.entry_point import run

    def run_here(
        *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            for name in os.environ.keys() - clean_environment().keys():
                patch.delenv(name)
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            code = run(arguments, os.environ)
        stdout, stderr = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)

    return run_here


@pytest.fixture
def serve(tesseract: Callable[..., Path], tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Return a function that serves the source of a Tesseract until the test is done."""
    from runtime_core.testing.served import serving

    with ExitStack() as servers:

        def start(source: str = DOUBLE, *options: str) -> Served:
            program = [sys.executable, "-m", "runtime_core", "--api-path", str(tesseract(source))]
            service = serving(
                [*program, "serve", *options],
                tmp_path / "server.log",
                cwd=tmp_path,
                env=clean_environment(),
            )
            return servers.enter_context(service)

        yield start


def clean_environment() -> dict[str, str]:
    """Return this process's environment without any option of the runtime."""
    return {key: value for key, value in os.environ.items() if "TESSERACT" not in key}
