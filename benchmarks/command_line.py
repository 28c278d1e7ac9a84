"""Whole processes of the command line, and the imports below which they cannot get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.environments import Environments, runtime
from benchmarks.processes import Ended, run
from benchmarks.servers import MODELS
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn

LIBRARIES = "numpy, pydantic, typer"
PYDANTIC = "numpy, pydantic"

_COMMANDS: Mapping[str, Sequence[str]] = {
    "apply": ["apply", '{"inputs": {"x": [1.0, 2.0, 3.0]}}'],
    "health": ["health"],
    "--help": ["--help"],
}
_MODEL = {"TESSERACT_API_PATH": str(MODELS / "double" / "tesseract_api.py")}
_IMPORT_LIBRARIES = "import numpy, typer; from pydantic import BaseModel"
_IMPORT_PYDANTIC = "import numpy; from pydantic import BaseModel"
_IMPORT_CORE = "from runtime_core import Array, Float64"

_CORE = "import of the core"


@contextmanager
def _commands(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    sides = {
        LIBRARIES: partial(_libraries, environments.ours),
        OURS: partial(_all_commands, environments.ours),
    }
    if environments.original is not None:
        sides[ORIGINAL] = partial(_all_commands, environments.original)
    yield sides


def _all_commands(python: Path) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, arguments in _COMMANDS.items():
        numbers.update(_numbers(name, run([runtime(python), *arguments], _MODEL)))
    return numbers


def _libraries(python: Path) -> dict[str, float]:
    return _numbers("apply", run([str(python), "-c", _IMPORT_LIBRARIES]))


def _numbers(name: str, ended: Ended) -> dict[str, float]:
    return {name: 1e3 * ended.seconds, f"{name}, processor time": 1e3 * ended.processor_seconds}


@contextmanager
def _imports(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    yield {
        PYDANTIC: partial(_imported, environments.ours, _IMPORT_PYDANTIC),
        OURS: partial(_imported, environments.ours, _IMPORT_CORE),
    }


def _imported(python: Path, code: str) -> dict[str, float]:
    return {_CORE: 1e3 * run([str(python), "-c", code]).processor_seconds}


_TO_ORIGINAL = Goal(bound=0.35, of=ORIGINAL)

COMMAND_LINE = Study(
    name="Command line",
    about="Whole processes with compiled modules: `apply` of three numbers, and two commands that "
    "need no file. The floor of `apply` is a Python that only imports the libraries.",
    rows=[
        Row(name="apply", unit="ms", goals=[_TO_ORIGINAL]),
        Row(name="apply, processor time", unit="ms", goals=[Goal(bound=1.25, of=LIBRARIES)]),
        Row(name="health", unit="ms", goals=[_TO_ORIGINAL]),
        Row(name="health, processor time", unit="ms"),
        Row(name="--help", unit="ms", goals=[_TO_ORIGINAL]),
        Row(name="--help, processor time", unit="ms"),
    ],
    sides=_commands,
)

IMPORTS = Study(
    name="Import of the core",
    about="Processor time of a Python that imports the array types, beside one that imports only "
    "the two libraries below them.",
    rows=[Row(name=_CORE, unit="ms", goals=[Goal(bound=1.2, of=PYDANTIC)])],
    sides=_imports,
)
