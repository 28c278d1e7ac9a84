"""The runs that tests of run sinks log, and their comparison with what a sink has stored."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Artifact, Metric, Record, Reply, Run, RunHandle, RunStatus
from runtime_core.run_logs import RunSupervisor
from runtime_core.run_logs.run import new_run_id
from runtime_core.runtime import local_runtime
from runtime_core.testing.calls import call_of

Metrics = Mapping[str, Sequence[tuple[int, float]]]

PARAMETERS: Mapping[str, Any] = {
    "text": "ä 🧪",
    "empty": "",
    "whole": 7,
    "number": 0.1,
    "flag": True,
    "nothing": None,
    "list": [1, [2, "x"]],
    "map": {"a": {"b": 1.5}},
}
"""Values of every kind in JSON."""

STRANGE_KEYS = (
    *("a/b", "a.b", "with space", "ä", "x[0]", "x(0)", 'quo"te', "com,ma", "per%cent", "new\nline"),
    *("", ".", "..", "../up", "../../up", "/root", "-dash", "k" * 300, "k" * 299 + "z"),
)
"""Keys that are not valid names of files, columns or variables."""

MANY = 2_500
"""More metrics than fit into a batch or a request."""

SECONDS = 60
"""The limit for a sink to report that its target does not answer."""

SOURCE = """
    from pathlib import Path
    from pydantic import BaseModel
    from runtime_core.run_logs import log_artifact, log_metric, log_parameter

    class InputSchema(BaseModel):
        fails: bool

    class OutputSchema(BaseModel):
        done: bool

    def apply(inputs: InputSchema) -> OutputSchema:
        log_parameter("size", 3)
        for value in (4.0, 2.0, 1.0):
            log_metric("loss", value)
        plot = Path(__file__).with_name("plot.txt")
        plot.write_text("plot")
        log_artifact(plot)
        if inputs.fails:
            raise ValueError("no convergence")
        return OutputSchema(done=True)
"""
"""A Tesseract that logs a record of each kind."""


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """The records of one run in a sink; `None` for kinds that it does not store.

    Metrics are steps and values by key, artifacts the contents of files by their paths with
    slashes. Values of parameters may be texts.
    """

    parameters: Mapping[str, Any] | None
    metrics: Metrics | None
    artifacts: Mapping[str, bytes] | None
    status: str | None


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run that a test logs to; `read` returns what its sink has stored."""

    run: Run
    handle: RunHandle
    read: Callable[[], LoggedRun]

    def write(self, *records: Record) -> None:
        """Write records."""
        self.handle.write(records)

    def metrics(self, *values: float, key: str = "loss") -> None:
        """Write the values of a metric, a step each."""
        self.write(*(metric(key, value, step) for step, value in enumerate(values)))

    def end(self, status: RunStatus = RunStatus.FINISHED) -> LoggedRun:
        """Close the run and return what its sink has stored."""
        self.handle.close(status)
        return self.read()


Open = Callable[..., OpenRun]
"""A function that opens a new run, or a given one again."""


def new_run(folder: Path) -> Run:
    """Return a run with its own folder inside `folder`."""
    run_id = new_run_id()
    return Run(id=run_id, endpoint="apply", folder=folder / f"run_{run_id}", name="Conformance")


def metric(key: str, value: float, step: int = 0) -> Metric:
    """Return a metric measured now."""
    return Metric(key=key, value=value, step=step, timestamp=time.time())


def artifact(path: Path, content: bytes) -> Artifact:
    """Write a file and return it as an artifact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Artifact(path=path, name=path.name)


def kept(found: Any) -> Any:
    """Return the records of a sink, or skip the test if it does not store them."""
    if found is None:
        pytest.skip("the sink does not store it")
    return found


def same(value: Any, found: Any) -> bool:
    """Test whether a value was found, unchanged or as one of its usual texts."""
    texts = (str(value), json.dumps(value), json.dumps(value, ensure_ascii=False))
    return bool(found == value) or found in texts


def check_metrics(found: Metrics | None, expected: Metrics) -> None:
    """Compare metrics, whose values may have been rounded to single precision."""
    rounded: Mapping[str, Any] = {
        key: [(step, pytest.approx(value, rel=1e-6)) for step, value in history]
        for key, history in expected.items()
    }
    assert found is None or {key: [*history] for key, history in found.items()} == rounded


def called(catalog: Catalog, target: str, folder: Path, inputs: Any) -> tuple[Run, Reply]:
    """Call a Tesseract as the command line does; return its run and the reply."""
    path = folder / "tesseract_api.py"
    path.write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    flags = {"api_path": str(path), "output_path": str(folder), "log_to": target}
    config = resolve(catalog, flags=flags, environment={})
    supervisor = RunSupervisor(catalog, config)
    call = call_of({"inputs": inputs}, new_run=False)
    reply = local_runtime(catalog, config).invoke(call)
    run = supervisor.run(call)
    reply = supervisor.finished(call, reply)
    supervisor.close(SECONDS)
    return run, reply
