"""A file of rows, to which rows are only appended, and which `kill -9` can only shorten."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from runtime_core.errors import InvalidOption, NotWritten
from tesseract_runtime_ensemble.row import HEAD

T = TypeVar("T")

_SECONDS_BETWEEN = 1.0
"""The time between writes to the disk, which a loss of power can take; a kill takes no row."""


class Journal:
    """Appends lines to a file, each whole before the next evaluation is awaited."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.rows = 0  # that were appended here
        self._file = -1
        self._synced = 0.0

    def __enter__(self) -> Self:
        self._file = os.open(
            self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666
        )
        self.size = os.fstat(self._file).st_size
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._sync()
        finally:
            os.close(self._file)

    def append(self, line: bytes) -> None:
        """Append a line; `NotWritten` if the disk is full, and the rows before it are kept."""
        written = self._try(os.write, self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self.size)
            raise self._error("the disk is full")
        self.size += len(line)
        self.rows += 1
        if time.monotonic() > self._synced + _SECONDS_BETWEEN:
            self._sync()

    def _sync(self) -> None:
        self._try(os.fsync, self._file)
        self._synced = time.monotonic()

    def _try(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return function(*arguments)
        except OSError as error:
            raise self._error(str(error.strerror)) from None

    def _error(self, problem: str) -> NotWritten:
        return NotWritten(
            f"Cannot write {str(self.path)!r}: {problem}. The rows before it are kept: make room, "
            "and run the same command with --resume."
        )


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the index and the line of each row, and cut off a line that is torn.

    Raises `InvalidOption` for a line that is not a row, but has others after it.
    """
    whole = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                os.truncate(path, whole)  # the end of a process in the middle of a write
                return
            head = HEAD.match(line)
            if head is None:
                raise InvalidOption(
                    f"Line {number} of {str(path)!r} is not a row of results: remove it, or "
                    "replace all with --overwrite."
                )
            whole += len(line)
            yield int(head[1]), line
