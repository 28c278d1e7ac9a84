"""A call and its reply as plain data, independent of HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runtime_core.errors import FaultKind

Buffer = bytes | bytearray | memoryview
"""Contiguous bytes that can be written to a file or a socket."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """The format of a document, and the encoding and compression of its arrays.

    All are names of the catalog; a compression may have options, as in `acme:level=9,fast=no`. The
    default `array_encoding` is that of the format. `parameters` are those of the media type that
    the format takes, as a query string.
    """

    format: str
    array_encoding: str | None = None
    compression: str | None = None
    parameters: str = ""


class SharedMemory(Protocol):
    """Memory that two processes share by its descriptor; its size does not change."""

    descriptor: int

    def whole(self) -> memoryview:
        """Return all of it; raises `OSError` if it cannot be mapped."""

    def close(self) -> None:
        """Close the descriptor; the memory stays until the last view of it is gone."""


@dataclass(kw_only=True, slots=True)  # to freeze it takes longer than the rest of a message
class Call:
    """A call of an endpoint, with its payload and the form of its result.

    `body` is a document in the format `body_format`, whose media type has the `body_parameters`;
    the result is written in the form `output`.
    Array files are written to `output_folder` in `output_path`, and named relative to the latter.
    A `new_run` has an id that was made for it, and so no earlier run to replace. The call is
    aborted when it has computed for `timeout` seconds, and dropped when it has waited for
    `patience` seconds and has not begun, where that is possible. `caller` is the name of the owner
    of the caller's key, where keys are required. `segment` is memory that the caller shares for the
    large arrays of both documents; the workers close it after the call.
    `forward` is the handle of a forward solve, from the reply that it came with. `metadata` has
    header fields that go with the call, by their names in lower case, as `traceparent`.

    `changes` are JSON values that replace those of the payload at their paths, as `inputs.n` or
    `inputs.layers.[0].w`, before it is validated; the key of an object may be new. A run that is
    not `kept` logs nothing, and its folder is removed at its end.
    """

    endpoint: str
    run_id: str
    body: Buffer
    body_format: str
    output: Wire
    output_path: str | None = None
    output_folder: str = ""
    timeout: float | None = None
    patience: float | None = None
    parent_run_id: str | None = None
    new_run: bool = False
    caller: str | None = None
    segment: SharedMemory | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = True
    forward: str | None = None
    body_parameters: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CurrentCall:
    """The identity of the call that is being computed, and the metadata that came with it."""

    endpoint: str
    run_id: str
    parent_run_id: str | None
    caller: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The reason why a call failed.

    `details` lists the faults of an invalid payload, as in the body of a 422. `trace` is the
    traceback of the author's code, for logs and, with `--debug`, for replies.
    """

    kind: FaultKind
    message: str
    details: Sequence[Mapping[str, Any]] = ()
    trace: str = ""


@dataclass(kw_only=True, slots=True)
class Reply:
    """The reply to a `Call`: a document as a sequence of buffers, or a fault.

    `timings` maps `decode`, `compute`, `encode` and, in a server, `queue` to seconds. `forward` is
    `kept` if the call has kept a state for others at the same inputs, `hit` or `miss` if it has
    looked for one, `elsewhere` if the worker with the state was not free. `forward_handle` leads
    other calls to the worker that has kept one. `headers` are further headers of the answer over
    HTTP, which wrappers of calls set. A call that `has_files` has logged, printed in a worker, or
    written to the folder of its run.
    """

    run_id: str
    format: str
    body: Sequence[Buffer] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    forward: str = ""
    forward_handle: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    has_files: bool = False
