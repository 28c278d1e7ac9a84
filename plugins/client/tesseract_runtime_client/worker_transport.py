"""A Tesseract in its own process, which lives as long as the client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from runtime_core import PluginSelection
from runtime_core.calls import RaisedFault
from runtime_core.catalog import Catalog, PluginStatus
from runtime_core.config import RuntimeConfig, dump
from runtime_core.contracts import Buffer
from runtime_core.description import loaded_plugins
from runtime_core.errors import (
    FaultKind,
    InvalidOption,
    InvalidTesseract,
    MissingFile,
    TesseractRuntimeError,
)
from runtime_core.run_logs import RunSupervisor
from runtime_core.workers import WorkerPool, WorkerSettings
from tesseract_runtime_client.errors import Unreachable
from tesseract_runtime_client.runtime_calls import (
    SECONDS_FOR_SINKS,
    answer_of,
    call_of,
    copy_output,
    file_reference,
    known_of,
    output_files,
)
from tesseract_runtime_client.transport import (
    Answer,
    Request,
    check_seconds,
    refuse_executor,
)

_FAULTS: Mapping[FaultKind, type[TesseractRuntimeError]] = {
    fault.kind: fault for fault in (InvalidOption, InvalidTesseract, MissingFile)
}
"""The exceptions of loading, by the kind of a fault in the other process."""


class WorkerTransport:
    """Computes in another process, which is replaced when it dies.

    The kernel ends that process with the thread that started it, so one thread runs an event loop
    for as long as the client is open.
    """

    has_process: ClassVar[bool] = True

    def __init__(
        self,
        catalog: Catalog,
        config: RuntimeConfig,
        pool: WorkerPool,
        supervisor: RunSupervisor,
        patience: float | None,
    ) -> None:
        self._catalog = catalog
        self._config = config
        self._pool = pool
        self._supervisor = supervisor
        self._patience = patience
        self.reference = file_reference(config.api_path)
        self._thread = threading.Thread(target=self._run, name="tesseract-worker", daemon=True)
        self._opened: Future[asyncio.AbstractEventLoop] = Future()
        self._closing = asyncio.Event()

    @classmethod
    def opened(
        cls,
        catalog: Catalog,
        config: RuntimeConfig,
        timeout: float | None,
        patience: float | None,
    ) -> Self:
        """Start the process and load the Tesseract in it; errors are those of loading."""
        check_seconds(timeout=timeout, patience=patience)
        settings = WorkerSettings(
            config=dump(config),
            plugins=_selection(catalog),
            loaded=loaded_plugins(catalog),
            confined=False,
        )
        supervisor = RunSupervisor(catalog, config)
        pool = WorkerPool(settings, supervisor, timeout=timeout)
        worker = cls(catalog, config, pool, supervisor, patience)
        try:
            worker._thread.start()
            worker._opened.result()
        except RaisedFault as error:
            raise _FAULTS.get(error.kind, TesseractRuntimeError)(str(error)) from None
        except KeyboardInterrupt:
            worker.close()
            raise
        return worker

    @property
    def place(self) -> str:
        """The file."""
        return f"{self._config.api_path} in a worker"

    def formats(self) -> Collection[str]:
        """Return all installed formats: the worker has the same plugins."""
        return self._catalog.formats.names

    def segment(self) -> AbstractContextManager[None]:
        """Return nothing: documents have all arrays in them."""
        return nullcontext()

    def compute(self, request: Request) -> Answer:
        """Make a call in its turn; an abandoned call is stopped."""
        # Ctrl-C may come before `asyncio.run_coroutine_threadsafe` returns such a future.
        answer: Future[Answer] = Future()
        try:
            self._opened.result().call_soon_threadsafe(self._begin, request, answer)
            return answer.result()
        except CancelledError:
            raise Unreachable(f"{self.place} was closed during run {request.run_id}.") from None
        finally:
            answer.cancel()  # has no effect on a call that has ended

    def calls(self, executor: str | None) -> AbstractContextManager[None]:
        """Return nothing; `InvalidOption` for an executor."""
        refuse_executor(executor, self.place)
        return nullcontext()

    def concurrency(self) -> int:
        """Return 2: the worker has the next call while it computes one."""
        return 2

    def send(self, path: Path) -> None:
        """Return nothing: the Tesseract reads local files."""

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Copy a file in the output path."""
        copy_output(name, self._config, into)

    def files_in(self, name: str) -> Sequence[str]:
        """List a folder in the output path."""
        return output_files(name, self._config)

    def get(self, name: str) -> dict[str, Any]:
        """Return an answer that the worker computed after loading."""
        return deepcopy(known_of(self._pool.description)[name])

    def close(self) -> None:
        """End the process, after its `teardown()`; loading or a running call is aborted."""
        if threading.current_thread() is self._thread:  # garbage collection may run in any thread
            self._closing.set()
            return
        if not self._thread.is_alive():
            return
        if not self._opened.cancel():
            self._opened.result().call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._supervisor.close(SECONDS_FOR_SINKS)

    def _begin(self, request: Request, answer: Future[Answer]) -> None:
        """Begin a call in the event loop, unless its caller has gone."""
        if not answer.cancelled():
            task = asyncio.ensure_future(self._computed(request))
            _cancel_with(answer, task)
            task.add_done_callback(partial(_settle, answer))

    async def _computed(self, request: Request) -> Answer:
        body = self._in_shared_memory(request)
        call = replace(call_of(request, body, self._config), patience=self._patience)
        async with self._pool.call(call) as reply:
            return answer_of(reply)

    def _in_shared_memory(self, request: Request) -> Buffer:
        body = self._pool.arriving(request.size)
        try:
            for piece in request.slices():
                body.add(piece)
        except BaseException:
            body.discard()
            raise
        return body.finished()

    def _run(self) -> None:
        try:
            asyncio.run(self._stay_open())
        # `opened` waits in another thread and raises any error.
        except BaseException as error:
            if self._opened.cancelled():
                return
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _stay_open(self) -> None:
        opening = asyncio.current_task()
        assert opening is not None  # that of `asyncio.run`
        _cancel_with(self._opened, opening)
        async with self._pool:
            if self._opened.set_running_or_notify_cancel():
                self._opened.set_result(asyncio.get_running_loop())
            await self._closing.wait()


def _cancel_with(future: Future[Any], task: asyncio.Task[Any]) -> None:
    """Cancel a task when another thread cancels the future of its result."""

    def cancel(_: Future[Any]) -> None:
        if future.cancelled():
            task.get_loop().call_soon_threadsafe(task.cancel)

    future.add_done_callback(cancel)


def _settle(answer: Future[Answer], task: asyncio.Task[Answer]) -> None:
    """Give the result of a task to the thread that waits for it, if it does still."""
    if task.cancelled():
        answer.cancel()
    if not answer.set_running_or_notify_cancel():
        return
    error = task.exception()
    if error is None:
        answer.set_result(task.result())
    else:
        answer.set_exception(error)


def _selection(catalog: Catalog) -> PluginSelection:
    """Return the selection of plugins in a catalog."""
    disabled = [p.name for p in catalog.plugins if p.status is PluginStatus.DISABLED]
    return PluginSelection(disabled=frozenset(disabled))
