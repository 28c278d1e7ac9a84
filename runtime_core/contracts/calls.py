"""A call and its reply as plain data, without a word of HTTP in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime_core.errors import OUTCOMES, FaultKind, Outcome

Buffer = bytes | bytearray | memoryview
"""Anything contiguous that can be written to a file or a socket."""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How a document is written: its format, and the encoding and compression of its arrays.

    All are names of the catalog. Without an `array_encoding` it is that of the format.
    """

    format: str
    array_encoding: str | None = None
    compression: str | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One computation to make: which endpoint, on which document, answered in which form.

    `body` is a document in the format `body_format`; the answer is written as `output` says.
    Arrays that go into files go into `output_folder` below `output_path`, and are named relative
    to the latter. The call may compute for `timeout` seconds where it can be stopped.
    """

    endpoint: str
    run_id: str
    body: Buffer
    body_format: str
    output: Wire
    output_path: str | None = None
    output_folder: str = ""
    timeout: float | None = None
    parent_run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a call gave no result.

    `details` lists the faults of a refused payload, as in the body of a 422. `trace` is the
    traceback of the author's code, for logs and, with `--debug`, for answers.
    """

    kind: FaultKind
    message: str
    details: Sequence[Mapping[str, Any]] = ()
    trace: str = ""

    @property
    def outcome(self) -> Outcome:
        """Return the HTTP status and exit code of this kind of fault."""
        return OUTCOMES[self.kind]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to a `Call`: a document as a sequence of buffers, or a fault.

    `timings` maps `decode`, `compute`, `encode` and, in a server, `queue` to seconds.
    """

    run_id: str
    format: str
    body: Sequence[Buffer] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    fault: Fault | None = None
