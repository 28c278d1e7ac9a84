"""One call in bytes: read it, compute it, write its result."""

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
    """The seconds that the stages of a call take, traced to stderr on request."""

    def __init__(self, *, trace: bool) -> None:
        self.seconds: dict[str, float] = {}
        self.trace = trace

    def measure(self, stage: str) -> AbstractContextManager[None]:
        """Measure the time inside the `with`."""
        return _Stage(self, stage)


class _Stage:
    def __init__(self, stages: Stages, name: str) -> None:
        self._stages = stages
        self._name = name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = self._stages.seconds[self._name] = time.perf_counter() - self._start
        if self._stages.trace:
            sys.stderr.write(f"[trace] {self._name}: {seconds * 1e3:.3f} ms\n")


def result_document(
    endpoint: BoundEndpoint, call: Call, here: Scope, stages: Stages
) -> Sequence[Buffer]:
    """Compute a call and return its result as a document."""
    format_ = writable_format(call.output, here.catalog, folder=call.output_path)
    with stages.measure("decode"):
        payload = read_payload(
            endpoint, call.body, here.catalog.formats.find(call.body_format), here
        )
    with stages.measure("compute"), scope.enter(here), _profiled(here):
        result = execute(endpoint, payload)
    with stages.measure("encode"):
        return _written(result, call, here, format_)


def _profiled(here: Scope) -> AbstractContextManager[None]:
    if not here.config.profiling:
        return nullcontext()
    from runtime_core.calls.profiling import profiled  # few calls are profiled

    return profiled()


def _written(result: BaseModel, call: Call, here: Scope, format_: Format) -> Sequence[Buffer]:
    options: MutableMapping[str, Any] = {
        "array_encoding": call.output.array_encoding or format_.array_encoding,
        "compression": call.output.compression,
        "base_dir": call.output_path,
        "binref_dir": call.output_folder,
    }
    with scope.enter(here.document(options)):
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
