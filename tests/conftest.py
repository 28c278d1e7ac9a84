"""What the tests share: small Tesseracts, runtimes and processes of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, settings

from runtime_core import Runtime, load_catalog
from runtime_core.catalog import Catalog
from runtime_core.cli.entry_point import run
from runtime_core.config import resolve
from runtime_core.plugins import PluginSelection
from runtime_core.runtime import local_runtime
from tests.patience import PATIENCE, SECONDS, allow

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

Cli = Callable[..., subprocess.CompletedProcess[str]]

HAVE_PROCESSES = {
    "cli",
    "client",
    "composition",
    "docs",
    "end_to_end",
    "interop",
    "jax_recipes",
    "mlflow",
    "run_logs",
    "server",
    "soak",
    "testing",
    "workers",
}
"""The folders of which `--quick` collects nothing: their point is processes, JAX or MLflow."""

STARTING = {"subprocess.Popen", "os.fork", "os.posix_spawn"}
"""The audit events that tell of a new process."""

LINES, WIDTH = 60, 400
"""How much of a failure, and of what was printed meanwhile, is shown."""

SHARING = ("tests/end_to_end/", "tests/mlflow/")
"""Folders whose tests share what takes long to make: an environment, a server of MLflow."""

PAGES = "tests/docs/test_code_blocks.py::test_blocks_of_page_do_what_they_say["
"""How the name of a test begins that runs a page, which takes as long as many a file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--quick` to the options of pytest."""
    text = "run only tests that start no process: skip the others where they start one"
    parser.addoption("--quick", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Let no test of `--quick` start a process, and let hypothesis wait for slow machines."""
    if config.getoption("--quick"):
        sys.addaudithook(skip_at_process)
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")


def skip_at_process(event: str, arguments: object) -> None:
    """Skip the test that is about to start a process."""
    if event in STARTING and "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip("starts a process")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave whole folders out of `--quick`."""
    folder = collection_path.parent == Path(__file__).parent and collection_path.name
    return True if config.getoption("--quick") and folder in HAVE_PROCESSES else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep failures readable: workers print megabytes, and some errors show a whole log."""
    report = yield
    report.sections = [(title, shortened(text)) for title, text in report.sections]
    if report.failed and shortened(report.longreprtext) != report.longreprtext:
        report.longrepr = shortened(report.longreprtext)
    return report


def shortened(text: str) -> str:
    """Return the beginning and the end of a long text."""
    lines = [line if len(line) <= WIDTH else f"{line[:WIDTH]} ..." for line in text.splitlines()]
    if len(lines) > LINES:
        left_out = f"... {len(lines) - LINES} lines left out ..."
        lines[LINES // 2 : -LINES // 2] = [left_out]
    return "\n".join(lines)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is no such hook
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let each process have files one after the other, so that it makes what a file shares once."""
    from xdist.scheduler import LoadScopeScheduling

    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = unit_of
    return scheduling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow each test the time that this machine needs."""
    if PATIENCE != 1:
        for item in items:
            allow(item)


def unit_of(test: str) -> str:
    """Return what the tests that stay together in one process have in common."""
    if test.startswith(PAGES):
        return test
    shared = (folder for folder in SHARING if test.startswith(folder))
    return next(shared, test.partition("::")[0])


@pytest.fixture(autouse=True)
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget what a test imports from its folder: each folder of the path slows every import."""
    path, modules = [*sys.path], set(sys.modules)
    yield
    sys.path[:] = path
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
            text=True,
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
