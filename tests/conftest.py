"""Shared fixtures: small Tesseracts, runtimes and the command line, in a process or here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from runtime_core.pytest import DOUBLE, clean_environment
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
    "DOUBLE",
    "clean_environment",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_runtest_makereport",
    "pytest_xdist_make_scheduler",
]

pytest_plugins = ["runtime_core.pytest"]  # where the checkout was installed without it, too

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "docs" / "examples"

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
def forgotten(unchanged_environment: None) -> Iterator[None]:
    """Forget what a test imports: each folder of the path slows every import.

    Without the module of `keep`, the inputs of later calls are not hashed.
    """
    yield
    sys.modules.pop("runtime_core.forward", None)


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
