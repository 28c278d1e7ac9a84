"""The file through which a worker sends the records of user code to its supervisor.

It is unlinked, like that of the standard streams: user code never waits, and its records survive
the worker. Each line is a record; an empty one marks the opening of a run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress

from runtime_core.contracts import Record, Run
from runtime_core.run_logs.record_json import as_json, from_json
from runtime_core.run_logs.standard_output import write_all

_CHUNK = 1 << 17  # bytes read at once on the event loop: some milliseconds


class RecordWriter:
    """The worker's end: the `Upstream` of the runs that it computes."""

    def __init__(self) -> None:
        self._descriptor = -1
        self.has_written = False  # to the current file

    def go_on_in(self, descriptor: int) -> None:
        """Write to another file from now on."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self.has_written = False
        os.set_inheritable(descriptor, False)

    def opened(self, run: Run) -> None:
        """Report the opening of a run."""
        self.has_written = True
        os.write(self._descriptor, b"\n")

    def take(self, run: Run, record: Record) -> None:
        """Write a record."""
        self.has_written = True
        write_all(self._descriptor, [f"{as_json(record)}\n".encode("ascii")])


class RecordReader:
    """The supervisor's end; the call after one that has logged needs a new one."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self.descriptor = os.dup(file.fileno())
        self._is_open = True
        self._read = 0
        self._parts: list[bytes] = []  # of a line that has not ended

    @property
    def has_opened(self) -> bool:
        """Whether something has been logged."""
        return os.lseek(self.descriptor, 0, os.SEEK_END) > 0  # where the worker writes on

    def pieces(self) -> Iterator[Sequence[Record]]:
        """Yield the records written since the last time, in batches."""
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
        """Close the file, which the last process that has it open frees."""
        self._is_open = False
        os.close(self.descriptor)


def _records(lines: Sequence[bytes]) -> Iterator[Record]:
    for line in filter(None, lines):
        with suppress(ValueError):  # a full disk has torn it
            yield from_json(line)
