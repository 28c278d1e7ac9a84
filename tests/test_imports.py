"""The cost of imports: a name of the runtime loads only the packages that it needs."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import runtime_core
from runtime_core.cli import tee
from tests.conftest import DOUBLE, Cli, clean_environment

SERVERS = ["fastapi", "uvicorn", "starlette", "fastapi_offline", "uvloop", "httptools"]
HEAVY = [
    "fsspec",
    "jax",
    "jaxlib",
    "torch",
    "mlflow",
    "dask",
    "ray",
    "pandas",
    "scipy",
    "lz4",
    "prometheus_client",
]
MARKUP = ["rich", "pygments"]
COMMAND_LINE = ["typer", "click"]
PLUGINS = ["runtime_core.config", "runtime_core.catalog", "importlib.metadata", "pluggy"]
SCHEMA = ["runtime_core.arrays.json_schema"]

MODULES = {
    "runtime_core": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.errors": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.contracts": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.hookspecs": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.catalog": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.builtin": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.gradients": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.gradients.signatures": ["numpy", "pydantic", *COMMAND_LINE, *SERVERS, *HEAVY],
    "runtime_core.config": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.files": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.calls.scope": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.plugins": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.runtime": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.cli": ["numpy", *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.workers": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.workers.worker_main": ["numpy", *COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "runtime_core.server.uvicorn_server": [
        "numpy",
        "jax",
        "torch",
        "mlflow",
        "dask",
        "ray",
        "pandas",
    ],
    "runtime_core.arrays.annotation": [*COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP, *PLUGINS, *SCHEMA],
    "runtime_core.schemas": [*COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
    "tesseract_core.runtime": [*COMMAND_LINE, *SERVERS, *HEAVY, *MARKUP],
}

REPORT = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"


def loaded_by(statements: str, *arguments: str) -> set[str]:
    """Return the modules that a new interpreter has loaded after some statements."""
    ended = subprocess.run(
        [sys.executable, "-c", statements + REPORT, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


def loaded_by_command(*arguments: str) -> set[str]:
    """Return the modules that a command has loaded when it is done."""
    run = "import os; from runtime_core.cli.entry_point import run; "
    return loaded_by(f"{run}assert run({list(arguments)!r}, os.environ) == 0; print()")


@pytest.mark.parametrize("module", MODULES)
def test_import_loads_nothing_in_vain(module: str) -> None:
    """A module that is imported by itself does not load unneeded packages."""
    assert loaded_by(f"import {module}") & set(MODULES[module]) == set()


@pytest.mark.parametrize(
    "arguments", [("health",), ("--help",), ("plugins",), ("serve", "--help")], ids=" ".join
)
def test_command_without_arrays_does_not_load_numpy(arguments: tuple[str, ...]) -> None:
    """Commands that need no Tesseract load neither numpy nor any server or heavy package."""
    forbidden = {"numpy", "tesseract_api", *SERVERS, *HEAVY, *MARKUP}
    assert loaded_by_command(*arguments) & forbidden == set()


def test_apply_loads_no_server(tesseract: Callable[..., Path]) -> None:
    """The command `apply` loads numpy, and nothing for other commands."""
    path = str(tesseract(DOUBLE))
    loaded = loaded_by_command("--api-path", path, "apply", '{"inputs": {"x": [1.0]}}')
    assert "numpy" in loaded
    assert loaded & {*SERVERS, *HEAVY, *MARKUP} == set()


def test_tee_imports_nothing() -> None:
    """The program that captures output imports only modules that are part of the interpreter."""
    tree = ast.parse(Path(tee.__file__).read_text(encoding="utf-8"))
    imports = [each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(each) for each in imports} == {
        f"import {name}" for name in ("os", "select", "sys", "time")
    }


SURROUNDINGS = """
import gc, os
from pydantic import BaseModel

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    collects: bool
    frozen: bool
    timeout: str | None

def apply(inputs):
    timeout = os.environ.get("OPENBLAS_THREAD_TIMEOUT")
    frozen = gc.get_freeze_count() > 0
    return OutputSchema(collects=gc.isenabled(), frozen=frozen, timeout=timeout)
"""


@pytest.mark.parametrize("timeout", [None, "26"])
def test_savings_at_start_end_before_the_call(
    timeout: str | None, tesseract: Callable[..., Path], cli: Cli
) -> None:
    """User code runs with garbage collection, and with the variables of its caller."""
    path = str(tesseract(SURROUNDINGS))
    given = {} if timeout is None else {"OPENBLAS_THREAD_TIMEOUT": timeout}
    ended = cli("--api-path", path, "apply", '{"inputs": {}}', environment=given)
    assert json.loads(ended.stdout) == {"collects": True, "frozen": True, "timeout": timeout}


@pytest.mark.parametrize("name", runtime_core.__all__)
def test_public_name_is_there(name: str) -> None:
    """Every public name can be had, alone in a module that has loaded nothing yet."""
    assert getattr(runtime_core, name) is not None


def test_public_names_are_those_of_their_modules() -> None:
    """The names of the package are the objects that its modules define."""
    from runtime_core.arrays.field_types import Array
    from runtime_core.runtime import Runtime

    assert runtime_core.Array is Array
    assert runtime_core.Runtime is Runtime


def test_star_import_gives_the_public_names() -> None:
    """`from runtime_core import *` imports the names of `__all__`."""
    names: dict[str, object] = {}
    exec("from runtime_core import *", names)
    assert set(runtime_core.__all__) <= names.keys()


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that the package does not have is the usual error."""
    with pytest.raises(AttributeError, match="module 'runtime_core' has no attribute 'nothing'"):
        runtime_core.nothing  # noqa: B018  # the access is the test
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from runtime_core import nothing")


@pytest.mark.parametrize(
    "package", ["contracts", "gradients", "plugins", "schemas", "workers", "cli"]
)
def test_names_of_packages_are_there(package: str) -> None:
    """Every package has the names of its `__all__`."""
    module = importlib.import_module(f"runtime_core.{package}")
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_every_module_can_be_imported_first() -> None:
    """Every module of the runtime can be imported first."""
    names = [
        module.name for module in pkgutil.walk_packages(runtime_core.__path__, "runtime_core.")
    ]
    program = """
import importlib, os, sys
import fastapi_offline, numpy, pydantic, typer, uvicorn
for name in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(name)
        os._exit(0)
    _, status = os.wait()
    if status:
        sys.exit(f"cannot import {name} first")
"""
    loaded_by(program, *[name for name in names if name != "runtime_core.mypy"])
