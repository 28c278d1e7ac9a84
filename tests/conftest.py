"""Shared fixtures: small Tesseracts, runtimes and the command line, in a process or here."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from runtime_core import Runtime, load_catalog
from runtime_core.catalog import Catalog
from runtime_core.cli.entry_point import run
from runtime_core.config import resolve
from runtime_core.plugins import PluginSelection
from runtime_core.runtime import local_runtime
from tests.failures import pytest_runtest_makereport
from tests.patience import SECONDS
from tests.selection import (
    pytest_addoption,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_ignore_collect,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_runtest_makereport",
    "pytest_xdist_make_scheduler",
]

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "docs" / "examples"

DOUBLE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs: InputSchema) -> OutputSchema:
    \"\"\"Double x.\"\"\"
    return OutputSchema(y=2 * inputs.x)
"""
"""The source of the smallest Tesseract that computes something."""

WRITING = """
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime.config import get_config

def write(name):
    Path(get_config().output_path, name).write_text("x")

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    pass

write("import.txt")

def setup():
    write("setup.txt")

def apply(inputs):
    write("apply.txt")
    return OutputSchema()
"""
"""A Tesseract that writes into the output path at each of its beginnings."""

WRITTEN = {"import.txt", "setup.txt", "apply.txt"}
"""The files that it writes."""

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget what a test imports from its folder: each folder of the path slows every import.

    Without the module of `keep`, the inputs of later calls are not hashed.
    """
    path, modules = [*sys.path], set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        yield
    sys.path[:] = path
    sys.modules.pop("runtime_core.forward", None)
    folder = str(tmp_path_factory.getbasetemp())
    for name in sys.modules.keys() - modules:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return everything that the installed plugins provide."""
    return load_catalog(PluginSelection())


@pytest.fixture
def tesseract(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a `tesseract_api.py` and returns its path."""

    def write(source: str = DOUBLE, **siblings: str) -> Path:
        folder = tmp_path / "tesseract"
        folder.mkdir(exist_ok=True)
        for name, text in siblings.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        path = folder / "tesseract_api.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


@pytest.fixture
def runtime(catalog: Catalog, tesseract: Callable[..., Path]) -> Callable[..., Runtime]:
    """Return a function that makes a runtime of the source of a Tesseract."""

    def make(source: str = DOUBLE, **flags: Any) -> Runtime:
        flags = {"api_path": str(tesseract(source)), **flags}
        return local_runtime(catalog, resolve(catalog, flags=flags, environment={}))

    return make


@pytest.fixture
def memory() -> Iterator[AbstractFileSystem]:
    """Return the file system of fsspec in memory, of which a process has one, empty."""
    system = MemoryFileSystem()
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return a function that runs the installed command line in an empty folder."""

    def run(
        *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("tesseract-runtime")), *arguments],
            env=clean_environment() | dict(environment or {}),
            cwd=options.pop("cwd", tmp_path),
            capture_output=True,
            text=options.pop("text", True),
            timeout=SECONDS,
            **options,
        )

    return run


@pytest.fixture
def cli_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Cli:
    """Return a function that does what `cli` does in this process, for rules that need no other.

    What user code prints may be mixed with the result here.
    """

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


def clean_environment() -> dict[str, str]:
    """Return this process's environment without any option of the runtime."""
    return {key: value for key, value in os.environ.items() if "TESSERACT" not in key}
