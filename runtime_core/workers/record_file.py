"""What user code logs in a worker, on its way to the supervisor.

It goes to a file without a name, as the standard streams do: whoever logs never waits, and what
was logged is there when the worker has died. Each line is a record; an empty one says that a run
has been opened.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress

from runtime_core.contracts import Record, Run
from runtime_core.run_logs.record_json import as_json, from_json

_CHUNK = 1 << 17  # read at once beside an event loop, some milliseconds' worth


class RecordWriter:
    """The worker's end: the `Upstream` of the runs that it computes."""

    def __init__(self) -> None:
        self._descriptor = -1

    def go_on_in(self, descriptor: int) -> None:
        """Write to another file from now on."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        os.set_inheritable(descriptor, False)

    def opened(self, run: Run) -> None:
        """Tell that something is logged to a run."""
        os.write(self._descriptor, b"\n")

    def take(self, run: Run, record: Record) -> None:
        """Write a record."""
        rest = memoryview(f"{as_json(record)}\n".encode("ascii"))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class RecordReader:
    """The supervisor's end, of the calls until something has been logged."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self.descriptor = os.dup(file.fileno())
        self._is_open = True
        self._read = 0
        self._parts: list[bytes] = []  # of a line that has not ended

    @property
    def has_opened(self) -> bool:
        """Say whether something has been logged."""
        return os.fstat(self.descriptor).st_size > 0

    def pieces(self) -> Iterator[Sequence[Record]]:
        """Yield the records that have been written whole since the last time, some at once."""
        while self._is_open and (piece := os.pread(self.descriptor, _CHUNK, self._read)):
            self._read += len(piece)
            self._parts.append(piece)
            if b"\n" in piece:
                *lines, rest = b"".join(self._parts).split(b"\n")
                self._parts = [rest]
                yield [*_records(lines)]
            else:
                yield []

    def close(self) -> None:
        """Forget the file; it ends with the last process that writes to it."""
        self._is_open = False
        os.close(self.descriptor)


def _records(lines: Sequence[bytes]) -> Iterator[Record]:
    for line in filter(None, lines):
        with suppress(ValueError):  # a full disk has torn it
            yield from_json(line)
