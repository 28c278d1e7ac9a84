"""Sinks for tests: some in this process, some in a distribution for real processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.calls import Scope, scope
from runtime_core.catalog import Catalog, Registered
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.contracts import Call, Record, Reply, Run, RunSink, RunStatus, Wire
from runtime_core.run_logs import RunLog, StoredRun
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import local_runtime
from tests.conftest import DOUBLE
from tests.run_logs.recorded import Open, RecordedRun

SINKS = '''
"""Sinks that write lines of JSON, that refuse everything, and that never answer."""

import json, os, threading
from runtime_core.contracts import RunSink
from runtime_core.hookspecs import hookimpl


class Lines:
    def __init__(self, run, target, config):
        self._path = target.partition(":")[2]
        self._tell("open", run.id)

    def write(self, records):
        self._tell("write", *[repr(record) for record in records])

    def close(self, status):
        self._tell("close", status)

    def _tell(self, *words):
        with open(self._path, "a") as file:
            file.write(json.dumps([*words, os.getpid()]) + "\\n")


def refuse(run, target, config):
    raise ConnectionError("connection refused")


def hang(run, target, config):
    threading.Event().wait()


@hookimpl
def run_sinks():
    yield RunSink(name="lines", summary="Lines.", schemes=("lines",), open=Lines)
    yield RunSink(name="refuses", summary="Nothing.", schemes=("refuses",), open=refuse)
    yield RunSink(name="hangs", summary="Nothing.", schemes=("hangs",), open=hang)
'''
"""The module of the distribution `tesseract-runtime-sinks`."""

TARGET = "kept:there"


@dataclass(kw_only=True)
class Sink:
    """A sink in this process that remembers its calls, and fails on request."""

    fails: str = ""
    calls: list[Any] = field(default_factory=list)

    def open(self, run: Run, target: str, config: RuntimeConfig) -> Sink:
        """Remember which run was opened."""
        self._note("open", ("open", run.id))
        return self

    def write(self, records: Sequence[Record]) -> None:
        """Remember records."""
        self._note("write", *records)

    def close(self, status: RunStatus) -> None:
        """Remember the status."""
        self._note("close", status)

    def _note(self, what: str, *facts: Any) -> None:
        self.calls.extend(facts)
        if what == self.fails:
            raise ConnectionError("connection refused")

    @property
    def records(self) -> list[Record]:
        """Return the records alone."""
        return [call for call in self.calls if not isinstance(call, tuple | RunStatus)]

    def declared(self, *, name: str = "kept", **facts: Any) -> RunSink:
        """Return a declaration of this sink; the scheme is its name."""
        return RunSink(name=name, summary=name, schemes=(name,), open=self.open, **facts)


WithSinks = Callable[..., Catalog]


@pytest.fixture
def with_sinks(catalog: Catalog) -> WithSinks:
    """Return a function that returns the catalog with the given sinks only."""

    def make(*sinks: RunSink) -> Catalog:
        entries = {
            sink.name: Registered(value=sink, plugin="tests", distribution="of-tests", version="7")
            for sink in sinks
        }
        registry = replace(catalog.run_sinks, entries=MappingProxyType(entries))
        return replace(catalog, run_sinks=registry)

    return make


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run with a folder that does not exist."""
    return Run(id="fit-7", endpoint="apply", folder=tmp_path / "run_fit-7")


@pytest.fixture
def log(run: Run) -> RunLog:
    """Return the log of `run`."""
    return RunLog(run)


@pytest.fixture
def logged(run: Run) -> StoredRun:
    """Return the record of `run`."""
    return StoredRun(run.log_folder)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Return a function that records a run in a folder of its own."""

    def make(run_id: str = "a") -> RecordedRun:
        return RecordedRun(Run(id=run_id, endpoint="apply", folder=tmp_path / f"run_{run_id}"))

    return make


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return the log folder of the run `a`."""
    return tmp_path / "run_a" / "logs"


@pytest.fixture
def stored(logs: Path) -> StoredRun:
    """Return the stored run `a`."""
    return StoredRun(logs)


@contextmanager
def entered(log: RunLog) -> Iterator[None]:
    """Make a call run inside the `with`, as far as logging is concerned."""
    workspace = scope.current().workspace
    with (
        scope.enter(Scope(workspace=workspace)),  # not inside of another call
        scope.running(Scope(workspace=workspace, log=log), log),
    ):
        yield


Supervise = Callable[..., RunSupervisor]


@pytest.fixture
def supervise(with_sinks: WithSinks, tmp_path: Path) -> Supervise:
    """Return a function that supervises runs with some sinks, each of which is logged to."""

    def make(*sinks: RunSink, **flags: Any) -> RunSupervisor:
        catalog = with_sinks(*sinks)
        targets = tuple(f"{sink.name}:there" for sink in sinks)
        flags = {"log_to": targets, "output_path": str(tmp_path), **flags}
        return RunSupervisor(catalog, resolve(catalog, flags=flags, environment={}))

    return make


def call_of(endpoint: str = "apply", run_id: str = "fit-7", **payload: Any) -> Call:
    """Return a call in JSON, whose files go where those of a server go."""
    body = json.dumps(payload or {"inputs": {}}).encode()
    return Call(
        endpoint=endpoint,
        run_id=run_id,
        body=body,
        body_format="json",
        output=Wire(format="json"),
    )


Logging = Callable[..., tuple[Runtime, RunSupervisor]]


@pytest.fixture
def logging_runtime(
    with_sinks: WithSinks, tesseract: Callable[..., Path], tmp_path: Path
) -> Logging:
    """Return a function that makes a runtime of a source, and its supervisor."""

    def make(source: str = DOUBLE, *sinks: RunSink, **flags: Any) -> tuple[Runtime, RunSupervisor]:
        catalog = with_sinks(*sinks)
        flags = {
            "api_path": str(tesseract(source)),
            "output_path": str(tmp_path),
            "log_to": tuple(f"{sink.name}:there" for sink in sinks),
            **flags,
        }
        config = resolve(catalog, flags=flags, environment={})
        supervisor = RunSupervisor(catalog, config)
        return local_runtime(catalog, config), supervisor

    return make


def invoked(runtime: Runtime, supervisor: RunSupervisor, call: Call) -> Reply:
    """Compute a call as a run and return its answer, once all sinks have the run."""
    reply = supervisor.finished(call, runtime.invoke(call))
    supervisor.close(10)
    return reply


def install_sinks(site: Path) -> dict[str, str]:
    """Put the sinks `lines`, `refuses` and `hangs` into a folder, as pip would.

    Returns the variables with which processes find them.
    """
    facts = site / "tesseract_runtime_sinks-0.3.dist-info"
    facts.mkdir(parents=True)
    (site / "tesseract_runtime_sinks.py").write_text(SINKS)
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tesseract-runtime-sinks\nVersion: 0.3\n"
    )
    (facts / "entry_points.txt").write_text(
        "[tesseract_runtime]\nsinks = tesseract_runtime_sinks\n"
    )
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}
