"""The contract of transports, which carry calls to a Tesseract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from runtime_core.contracts import Buffer, Wire
from runtime_core.errors import InvalidOption
from tesseract_runtime_client.segments import RegisteredSegment

_SLICE = 1 << 18  # bytes

_MOST_SECONDS = 1e9  # a socket waits no longer than some ten times that


def check_seconds(**limits: float | None) -> None:
    """Raise `InvalidOption` for a limit that is not a number of seconds, by its name.

    >>> check_seconds(timeout=-1)
    Traceback (most recent call last):
      ...
    runtime_core.errors.InvalidOption: timeout=-1 must be a positive number of seconds, at most \
1e+09, or None.
    """
    for name, seconds in limits.items():
        valid = seconds is None or (isinstance(seconds, Real) and 0 < seconds <= _MOST_SECONDS)
        if not valid:
            raise InvalidOption(
                f"{name}={seconds!r} must be a positive number of seconds, at most "
                f"{_MOST_SECONDS:g}, or None."
            )


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call to make: a document with its format, and the form of the answer.

    The buffers of `body` may be the memory of the caller's arrays; others are in the `segment`. A
    `persistent` one waits for its turn without a limit, where the client has set none.
    `inputs` are those of the payload.
    """

    endpoint: str
    run_id: str
    parent_run_id: str | None
    format: str
    output: Wire
    body: Sequence[Buffer]
    metadata: Mapping[str, str]
    segment: RegisteredSegment | None = None
    persistent: bool = False
    inputs: Any = None

    @property
    def size(self) -> int:
        """The number of bytes of the body."""
        return sum(memoryview(piece).nbytes for piece in self.body)

    def slices(self) -> Iterator[bytes]:
        """Yield the body in small copies, so that few bytes are in memory twice."""
        for piece in self.body:
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), _SLICE):
                yield bytes(view[start : start + _SLICE])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A result as a document; its body belongs to the caller."""

    format: str
    body: Buffer


class ManyCalls(Protocol):
    """Computes many calls at a time; at most `concurrency` of them may be pending."""

    @property
    def concurrency(self) -> int:
        """The number of calls to keep pending."""

    def submit(self, request: Request) -> Callable[[], Answer]:
        """Submit a call; give a function that waits for its answer, or raises its error."""


class Transport(Protocol):
    """A connection to a Tesseract; several threads may use it at once."""

    has_process: ClassVar[bool]
    """Whether the other side is a process that begins and ends with the transport."""

    @property
    def place(self) -> str:
        """The file or URL, for messages."""

    @property
    def reference(self) -> Mapping[str, str]:
        """The reference of the Tesseract in documents; raises `NoReference` if it has none."""

    def formats(self) -> Collection[str]:
        """Return the names of the formats that the other side reads and writes."""

    def segment(self) -> AbstractContextManager[RegisteredSegment | None]:
        """Lend memory that both sides share to one call, from its request to its answer."""

    def compute(self, request: Request) -> Answer:
        """Make a call once; raises `ValidationError`, `TesseractFailed` or `Unreachable`."""

    def concurrency(self) -> int:
        """Return the number of calls at a time that keep the other side busy."""

    def calls(self, executor: str | None) -> AbstractContextManager[ManyCalls | None]:
        """Give what computes many calls with an executor; nothing if there is none to use.

        Raises `InvalidOption` for an executor that cannot be used here.
        """

    def send(self, path: Path) -> str | None:
        """Return the name by which payloads name a local file; `None` if it is that of the path."""

    def fetch(self, name: str, into: BinaryIO) -> None:
        """Write a file that a result names to an open file."""

    def files_in(self, name: str) -> Sequence[str]:
        """Return the names of the files in a folder that a result names; none for a file."""

    def get(self, name: str) -> dict[str, Any]:
        """Return an answer that needs no computation: `health`, `openapi.json`, ..."""

    def close(self) -> None:
        """Close connections and end processes."""


def refuse_executor(executor: str | None, place: str) -> None:
    """Raise `InvalidOption` for an executor where calls are computed elsewhere already."""
    if executor is not None:
        raise InvalidOption(
            f"executor={executor!r} has no effect for the Tesseract at {place}, which computes in "
            "its own workers. Leave it out, or open the file with Tesseract.from_api(path)."
        )
