"""Tables of results: a file of JSON lines here, or a folder of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from tesseract_runtime_ensemble.journal import Journal, lines_of

RECORD = ".ensemble.json"
"""What the name of the record of a file has after that of the file."""


class Table(Protocol):
    """A table of results, which takes rows inside a `with`."""

    path: Path

    @property
    def output_format(self) -> str:
        """The format of the outputs in a line."""

    @property
    def record(self) -> Path:
        """The file that says what the table is the result of."""

    def indexes(self) -> Iterator[int]:
        """Repair what a kill has left, and yield the indexes of the rows."""

    def remove(self) -> None:
        """Remove the table with its record."""

    def append(self, line: bytes) -> None:
        """Append the line of a row."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, *_: object) -> None: ...


class LinesTable:
    """A file of JSON lines; its record lies beside it."""

    output_format = "json"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path.with_name(f"{path.name}{RECORD}")
        self._journal = Journal(path)

    def indexes(self) -> Iterator[int]:
        """Repair what a kill has left, and yield the indexes of the rows."""
        if self.path.exists():
            yield from (index for index, _ in lines_of(self.path))

    def remove(self) -> None:
        """Remove the table with its record."""
        self.path.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def append(self, line: bytes) -> None:
        """Append the line of a row."""
        self._journal.append(line)

    def __enter__(self) -> Self:
        self._journal.__enter__()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._journal.__exit__(kind)
