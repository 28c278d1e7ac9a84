"""A Tesseract in this process, with a configuration of its own."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from copy import deepcopy
from types import ModuleType
from typing import Any, Self

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.description import describe
from runtime_core.run_logs import RunSupervisor
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.tesseract import tesseract_of
from tesseract_runtime_client.errors import NoReference
from tesseract_runtime_client.runtime_calls import (
    SECONDS_FOR_SINKS,
    answer_of,
    call_of,
    file_reference,
    known_of,
)
from tesseract_runtime_client.transport import Answer, Request


class InProcessTransport:
    """Computes in the thread that calls, one call at a time; it cannot be stopped."""

    def __init__(
        self,
        runtime: Runtime,
        supervisor: RunSupervisor,
        known: Mapping[str, Any],
        reference: Mapping[str, str] | None,
        set_up: ExitStack,
    ) -> None:
        self._runtime = runtime
        self._supervisor = supervisor
        self._known = known
        self._reference = reference
        self._set_up = set_up
        self._turn = threading.RLock()  # a Tesseract may call itself

    @classmethod
    def opened(cls, catalog: Catalog, config: RuntimeConfig, module: ModuleType | None) -> Self:
        """Load the Tesseract and run its `setup()`; errors are those of loading.

        A `module` that has been imported already is the Tesseract itself.
        """
        supervisor = RunSupervisor(catalog, config)
        runtime = local_runtime(catalog, config, upstream=supervisor)
        if module is not None:
            runtime.api = tesseract_of(module)
        with ExitStack() as opening:
            opening.callback(supervisor.close, SECONDS_FOR_SINKS)
            opening.enter_context(runtime.set_up())
            known = known_of(describe(runtime))
            reference = _reference(config.api_path, module)
            return cls(runtime, supervisor, known, reference, opening.pop_all())

    @property
    def place(self) -> str:
        """The file."""
        return f"{self._runtime.config.api_path} in this process"

    @property
    def reference(self) -> Mapping[str, str]:
        """The file; `NoReference` for a module that has none."""
        if self._reference is None:
            raise NoReference(
                f"The Tesseract at {self.place} is a module without a file, which no document can "
                "name. Serve it and use `Tesseract.from_url`, or put it into a file."
            )
        return self._reference

    def formats(self) -> Collection[str]:
        """Return all formats that are installed."""
        return self._runtime.catalog.formats.names

    def compute(self, request: Request) -> Answer:
        """Make a call; what it changes in place are its own copies of the inputs."""
        call = call_of(request, b"".join(request.body), self._runtime.config)
        with self._turn:
            reply = self._runtime.invoke(call)
            return answer_of(self._supervisor.finished(self._supervisor.run(call), reply))

    def get(self, name: str) -> Any:
        """Return an answer that was computed after loading."""
        return deepcopy(self._known[name])

    def close(self) -> None:
        """Run `teardown()` of the Tesseract; its modules stay imported."""
        with self._turn:
            self._set_up.close()


def _reference(api_path: str, module: ModuleType | None) -> Mapping[str, str] | None:
    if module is not None and not module.__dict__.get("__file__"):
        return None
    return file_reference(api_path)
