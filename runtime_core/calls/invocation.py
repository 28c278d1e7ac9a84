"""One call in bytes: read it, compute it, write its result."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pydantic import BaseModel

from runtime_core import documents
from runtime_core.calls import scope
from runtime_core.calls.execution import execute, validate_payload
from runtime_core.calls.scope import Scope
from runtime_core.calls.tracing import Trace
from runtime_core.contracts import BoundEndpoint, Buffer, Call, Format
from runtime_core.documents.raw_documents import sees_raw_documents
from runtime_core.documents.wire import writable_format


def result_document(
    endpoint: BoundEndpoint, call: Call, here: Scope, trace: Trace
) -> Sequence[Buffer]:
    """Compute a call and return its result as a document."""
    format_ = writable_format(call.output, here.catalog, folder=call.output_path)
    with trace.measure("decode"):
        payload = read_payload(
            endpoint, call.body, here.catalog.formats.find(call.body_format), here
        )
    trace.show(endpoint=call.endpoint, payload=payload)
    with trace.measure("compute"), scope.enter(here), _profiled(here):
        result = execute(endpoint, payload)
    trace.show(outputs=result)
    with trace.measure("encode"):
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
