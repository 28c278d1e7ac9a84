"""An executor in this process, which notes what would travel to others."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.contracts import ExecutorProvider
from runtime_core.executors.loaded_models import LOADED_MODELS
from runtime_core.plugins.declarations import guarded
from runtime_core.runtime import local_runtime
from tests.conftest import DOUBLE


class Here(Executor):
    """Computes in this process, from a copy of what is submitted.

    `forgets` makes each task begin in a process that has loaded nothing. `breaks` names the
    submissions that find the executor broken, `loses` those whose process is lost.
    """

    workers = 2

    def __init__(
        self,
        *,
        forgets: bool = False,
        breaks: tuple[int, ...] = (),
        loses: tuple[int, ...] = (),
    ) -> None:
        self.forgets = forgets
        self.loses = loses
        self.breaks = breaks
        self.sent: list[tuple[Any, ...]] = []

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """The tasks of all bundles, in the order in which they came."""
        return [each for (_, bundle), *_ in self.sent for each in bundle]

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        """Compute at once."""
        self.sent.append(arguments)
        if len(self.sent) in self.breaks:
            raise BrokenExecutor
        if self.forgets:
            LOADED_MODELS.close()
        future: Future[Any] = Future()
        if len(self.sent) in self.loses:
            future.set_exception(BrokenExecutor("killed"))
            return future
        future.set_result(function(*pickle.loads(pickle.dumps(arguments))))
        return future


Open = Callable[..., Any]


def with_executor(catalog: Catalog, open_: Open) -> Catalog:
    """Return a catalog with the executor `here`."""
    provider = ExecutorProvider(name="here", summary="Here.", schemes=("here",), open=open_)
    entry = Registered(value=provider, plugin="here", distribution="acme-here", version="1.0")
    registry = catalog.executors
    entries = {**registry.entries, "here": guarded(entry, KINDS["executors"])}
    return replace(catalog, executors=replace(registry, entries=MappingProxyType(entries)))


Make = Callable[..., Runtime]


@pytest.fixture
def made(catalog: Catalog, tesseract: Callable[..., Path], tmp_path: Path) -> Any:
    """Return a function that makes a runtime whose executor is the one given."""

    def make(given: Any, source: str = DOUBLE, **flags: Any) -> Runtime:
        is_open = isinstance(given, Executor)
        mine = with_executor(catalog, (lambda **_: nullcontext(given)) if is_open else given)
        flags = {"executor": "here", "output_path": str(tmp_path), **flags}
        flags["api_path"] = str(tesseract(source))
        return local_runtime(mine, resolve(mine, flags=flags, environment={}))

    return make


def near(runtime: Runtime, *x: float) -> Any:
    """Return evaluations near a point."""
    return runtime.evaluations(runtime.api.input_schema(x=list(x)))
