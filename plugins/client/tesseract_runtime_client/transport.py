"""The contract of a transport: the way of a call to a Tesseract."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runtime_core.contracts import Buffer

_SLICE = 1 << 18  # bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """One computation to ask for: a document in the format in which the answer shall be.

    The buffers of `body` may be the memory of the caller's arrays.
    """

    endpoint: str
    run_id: str
    parent_run_id: str | None
    format: str
    body: Sequence[Buffer]

    @property
    def size(self) -> int:
        """The number of bytes of the body."""
        return sum(memoryview(piece).nbytes for piece in self.body)

    def slices(self) -> Iterator[bytes]:
        """Yield the body in copies that are small, so that few bytes are in memory twice."""
        for piece in self.body:
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), _SLICE):
                yield bytes(view[start : start + _SLICE])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A result as a document in a format; its body belongs to the caller."""

    format: str
    body: Buffer


class Transport(Protocol):
    """One way to a Tesseract; several threads may use it at once."""

    @property
    def place(self) -> str:
        """The file or URL, for messages."""

    @property
    def reference(self) -> Mapping[str, str]:
        """The reference of the Tesseract in documents; `NoReference` if it has none."""

    def formats(self) -> Collection[str]:
        """Return the names of the formats that the other side reads and writes."""

    def compute(self, request: Request) -> Answer:
        """Make a call, once; raises `ValidationError`, `TesseractFailed` or `Unreachable`."""

    def get(self, name: str) -> Any:
        """Return an answer that needs no call: `health`, `openapi.json`, ..."""

    def close(self) -> None:
        """Close connections and end processes."""
