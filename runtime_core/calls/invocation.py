"""One call in bytes: read, computed, written."""

from __future__ import annotations

import sys
import time
from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pydantic import BaseModel

from runtime_core import documents
from runtime_core.calls import scope
from runtime_core.calls.execution import execute, validate_payload
from runtime_core.calls.scope import Scope
from runtime_core.contracts import BoundEndpoint, Buffer, Call, Format
from runtime_core.documents.raw_documents import sees_raw_documents
from runtime_core.documents.wire import writable_format


class Stages:
    """The seconds that the stages of a call take, traced to stderr if that is wanted."""

    def __init__(self, *, trace: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._trace = trace

    def measure(self, stage: str) -> AbstractContextManager[None]:
        """Measure what is inside the `with`."""
        return _Stage(self, stage)

    def note(self, stage: str, seconds: float) -> None:
        """Note how long a stage has taken."""
        self.seconds[stage] = seconds
        if self._trace:
            sys.stderr.write(f"[trace] {stage}: {seconds * 1e3:.3f} ms\n")


class _Stage:
    def __init__(self, stages: Stages, name: str) -> None:
        self._stages = stages
        self._name = name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._stages.note(self._name, time.perf_counter() - self._start)


class Invocation:
    """A call of an endpoint in its scope."""

    def __init__(self, endpoint: BoundEndpoint, call: Call, here: Scope, stages: Stages) -> None:
        self._endpoint = endpoint
        self._call = call
        self._here = here
        self._stages = stages

    def document(self) -> Sequence[Buffer]:
        """Return the result as a document; errors are those of the call."""
        catalog, call = self._here.catalog, self._call
        format_ = writable_format(call.output, catalog, folder=call.output_path)
        with self._stages.measure("decode"):
            payload = read_payload(
                self._endpoint, call.body, catalog.formats.find(call.body_format), self._here
            )
        with self._stages.measure("compute"), scope.enter(self._here), self._profiled():
            result = execute(self._endpoint, payload)
        with self._stages.measure("encode"):
            return self._written(result, format_)

    def _profiled(self) -> AbstractContextManager[None]:
        if not self._here.config.profiling:
            return nullcontext()
        from runtime_core.calls.profiling import profiled  # few calls are profiled

        return profiled()

    def _written(self, result: BaseModel, format_: Format) -> Sequence[Buffer]:
        options: MutableMapping[str, Any] = {
            "array_encoding": self._call.output.array_encoding or format_.array_encoding,
            "compression": self._call.output.compression,
            "base_dir": self._call.output_path,
            "binref_dir": self._call.output_folder,
        }
        with scope.enter(self._here.document(options)):
            return documents.write(documents.tree_of(result, options), format_)


def read_payload(endpoint: BoundEndpoint, body: Buffer, format_: Format, here: Scope) -> Any:
    """Return the validated payload of a document, read in a scope.

    Raises `UnreadableDocument`, or `InvalidPayload` with every fault.
    """
    if endpoint.payload is None:
        return None
    views = not sees_raw_documents(endpoint.payload)
    with scope.enter(here.document({})) as reading:
        tree = documents.read(body, format_, views=views)
        return validate_payload(endpoint, tree, reading.options)
