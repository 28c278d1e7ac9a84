"""A Tesseract in this process, with a configuration of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, ClassVar, Self

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Calls
from runtime_core.description import describe
from runtime_core.run_logs import RunSupervisor
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.tesseract import forget_modules, tesseract_of
from tesseract_runtime_client.errors import NoReference, NotSupported
from tesseract_runtime_client.printed_lines import printed_lines
from tesseract_runtime_client.runtime_calls import (
    SECONDS_FOR_SINKS,
    answer_of,
    call_of,
    copy_output,
    file_reference,
    known_of,
    output_files,
)
from tesseract_runtime_client.transport import Answer, ManyCalls, Request


@dataclass(frozen=True, kw_only=True)
class InProcessTransport:
    """Computes in the calling thread, one call at a time; a call cannot be stopped."""

    has_process: ClassVar[bool] = False

    runtime: Runtime
    supervisor: RunSupervisor
    known: Mapping[str, Any]
    file: Mapping[str, str] | None
    set_up: ExitStack
    print_to: Callable[[str], object] | None = None
    turn: threading.RLock = field(default_factory=threading.RLock)  # a Tesseract may call itself

    @classmethod
    def opened(
        cls,
        catalog: Catalog,
        config: RuntimeConfig,
        module: ModuleType | None,
        print_to: Callable[[str], object] | None,
    ) -> Self:
        """Load the Tesseract and run its `setup()`; errors are those of loading.

        A `module` that has been imported already is the Tesseract itself.
        """
        has_file = module is None or bool(module.__dict__.get("__file__"))
        supervisor = RunSupervisor(catalog, config)
        runtime = local_runtime(catalog, config)
        if module is not None:
            runtime.api = tesseract_of(module)
        with ExitStack() as opening:
            opening.callback(supervisor.close, SECONDS_FOR_SINKS)
            opening.enter_context(runtime.set_up())
            description = describe(runtime)
            supervisor.tesseract = description.facts
            return cls(
                runtime=runtime,
                supervisor=supervisor,
                known=known_of(description),
                file=file_reference(config.api_path) if has_file else None,
                set_up=opening.pop_all(),
                print_to=print_to,
            )

    @classmethod
    def reopened(
        cls,
        catalog: Catalog,
        config: RuntimeConfig,
        module: ModuleType | None,
        print_to: Callable[[str], object] | None,
    ) -> Self:
        """Load the file again, and the modules beside it; `NotSupported` for a module."""
        if module is not None:
            raise NotSupported(
                f"The module {module.__name__} is not loaded again here, and its client is closed. "
                "Use importlib.reload, and Tesseract.from_api of the module that it gives."
            )
        forget_modules(Path(config.api_path))
        return cls.opened(catalog, config, None, print_to)

    @property
    def place(self) -> str:
        """The file."""
        return f"{self.runtime.config.api_path} in this process"

    @property
    def reference(self) -> Mapping[str, str]:
        """The file; `NoReference` for a module without one."""
        if self.file is not None:
            return self.file
        raise NoReference(
            f"The Tesseract at {self.place} is a module without a file, which no document can "
            "name. Serve it and use `Tesseract.from_url`, or put it into a file."
        )

    def formats(self) -> Collection[str]:
        """Return all installed formats."""
        return self.runtime.catalog.formats.names

    def segment(self) -> AbstractContextManager[None]:
        """Return nothing: documents have all arrays in them."""
        return nullcontext()

    def compute(self, request: Request) -> Answer:
        """Make a call with its own copies of the inputs."""
        call = call_of(request, b"".join(request.body), self.runtime.config)
        with self.turn:
            with nullcontext() if self.print_to is None else printed_lines(self.print_to):
                reply = self.runtime.invoke(call)
            return answer_of(self.supervisor.finished(call, reply))

    @contextmanager
    def calls(self, executor: str | None) -> Iterator[ManyCalls | None]:
        """Give what computes many calls with an executor, by default that of the options."""
        if executor is None and self.runtime.executor.current() is None:
            yield None
            return
        _ = self.reference  # other processes load the file
        with self.runtime.calls(executor) as calls:
            yield _ExecutorCalls(calls=calls, config=self.runtime.config)

    def concurrency(self) -> int:
        """Return 1: calls are computed in their turn."""
        return 1

    def send(self, path: Path) -> None:
        """Return nothing: the Tesseract reads local files."""

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Copy a file in the output path."""
        copy_output(name, self.runtime.config, into)

    def files_in(self, name: str) -> Sequence[str]:
        """List a folder in the output path."""
        return output_files(name, self.runtime.config)

    def get(self, name: str) -> dict[str, Any]:
        """Return an answer that was computed after loading."""
        return deepcopy(self.known[name])

    def close(self) -> None:
        """Run `teardown()` of the Tesseract; its modules stay imported."""
        with self.turn:
            self.set_up.close()


@dataclass(frozen=True, kw_only=True)
class _ExecutorCalls:
    """Computes calls with an executor."""

    calls: Calls
    config: RuntimeConfig

    @property
    def concurrency(self) -> int:
        """The number of calls to keep pending."""
        return self.calls.concurrency

    def submit(self, request: Request) -> Callable[[], Answer]:
        """Submit a call."""
        reply = self.calls.submit(call_of(request, b"".join(request.body), self.config))
        return lambda: answer_of(reply.result())
