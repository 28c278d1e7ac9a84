"""Shared by tests of workers: pools, calls, and a Tesseract that runs given statements."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import dump, resolve
from runtime_core.contracts import Buffer, Call, Reply, Wire
from runtime_core.description import loaded_plugins
from runtime_core.errors import FaultKind
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs import RunSupervisor, new_run_id
from runtime_core.workers import InProcessWorkers, WorkerPool, Workers, WorkerSettings
from runtime_core.workers import captured_output as captured_output_module
from tests.patience import SECONDS
from tests.server.conftest import gate, gate_inputs, is_alive, shared_files

__all__ = ["gate", "gate_inputs"]

Pool = Callable[..., WorkerPool]

OBEDIENT = """
import ctypes, os, re, signal, subprocess, sys, threading, time
from pydantic import BaseModel

RUN = []

class InputSchema(BaseModel):
    statement: str = ""
    number: int = 0

class OutputSchema(BaseModel):
    pid: int
    run: list[int]

def apply(inputs):
    RUN.append(inputs.number)
    exec(inputs.statement)
    return OutputSchema(pid=os.getpid(), run=RUN)
"""
"""The source of a Tesseract that runs the statement of its inputs, and tells its process."""

ECHO = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    text: str

class OutputSchema(BaseModel):
    text: str

def apply(inputs):
    return OutputSchema(text=inputs.text)
"""
"""The source of a Tesseract that answers with its input."""


def call_of(inputs: object, run_id: str | None = None, **facts: Any) -> Call:
    """Return a call of `apply`, by default with a new id."""
    return Call(
        endpoint="apply",
        run_id=run_id or new_run_id(),
        body=facts.pop("body", json.dumps({"inputs": inputs}).encode()),
        body_format="json",
        output=Wire(format="json"),
        **facts,
    )


def told(statement: str = "", **facts: Any) -> Call:
    """Return a call that makes `OBEDIENT` run a statement."""
    return call_of({"statement": statement, "number": facts.pop("number", 0)}, **facts)


async def computed(workers: Workers, call: Call) -> Reply:
    """Return the reply to a call, with a copy of its body."""
    async with workers.call(call) as reply:
        return replace(reply, body=[b"".join(reply.body)])


async def replies(workers: Workers, *calls: Call) -> list[Reply]:
    """Return the replies of simultaneous calls."""
    async with workers:
        return await asyncio.gather(*(computed(workers, call) for call in calls))


def run(loop: str, main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in the named kind of event loop."""
    factories = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    with asyncio.Runner(loop_factory=factories[loop]) as runner:
        return runner.run(main)


both_loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


def tree(reply: Reply) -> dict[str, Any]:
    """Return the tree of a reply."""
    assert reply.fault is None, reply.fault
    found: dict[str, Any] = json.loads(b"".join(reply.body))
    return found


def pid_of(reply: Reply) -> int:
    """Return the id of the process that answered."""
    pid: int = tree(reply)["pid"]
    return pid


def fault_text(reply: Reply, kind: FaultKind) -> str:
    """Return the message of a fault of this kind."""
    assert reply.fault is not None, "the call has a result"
    assert reply.fault.kind is kind, reply.fault
    return reply.fault.message


def arrived(workers: Workers, body: bytes, piece: int = 10_000) -> Buffer:
    """Return a body received in pieces, with an announced size."""
    arriving = workers.arriving(len(body))
    for start in range(0, len(body), piece):
        arriving.add(body[start : start + piece])
    return arriving.finished()


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Check after each test that its workers have ended and that no shared memory is left."""
    before, files = set(psutil.Process().children()), shared_files()
    yield
    assert {p for p in psutil.Process().children() if is_alive(p)} <= before
    assert shared_files() <= files


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Discard the output of workers, and wait for the threads that still write it."""
    before = set(threading.enumerate())
    with open(os.devnull, "wb") as nowhere:
        monkeypatch.setattr(captured_output_module, "STDERR", nowhere.fileno())
        yield
        for thread in set(threading.enumerate()) - before:
            thread.join(SECONDS)


def in_process(runtime: Runtime) -> InProcessWorkers:
    """Return the workers without a process for a runtime."""
    return InProcessWorkers(runtime, RunSupervisor(runtime.catalog, runtime.config))


@pytest.fixture
def pool(catalog: Catalog, tesseract: Callable[..., Path], tmp_path: Path) -> Pool:
    """Return a function that makes a pool for the source of a Tesseract."""

    def make(
        *source: str, size: int = 1, timeout: float | None = None, **flags: object
    ) -> WorkerPool:
        flags = {"api_path": str(tesseract(*source)), "output_path": str(tmp_path), **flags}
        config = resolve(catalog, flags=flags, environment={})
        settings = WorkerSettings(
            config=dump(config), plugins=PluginSelection(), loaded=loaded_plugins(catalog)
        )
        supervisor = RunSupervisor(catalog, config)
        return WorkerPool(settings, supervisor, size=size, timeout=timeout)

    return make
