"""A folder of Parquet files, each made of a journal of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from runtime_core.errors import InvalidOption, NotWritten
from tesseract_runtime_ensemble.columns import table_of
from tesseract_runtime_ensemble.journal import Journal, lines_of

_MOST_ROWS, _MOST_BYTES = 5_000, 2**25
"""The size of a journal that becomes a part, which bounds the memory that this takes."""


class ParquetTable:
    """A folder of parts; rows are in a journal until there are enough for the next part.

    A part has the number of the journal that it is made of, and appears at once: where both exist,
    the process has ended between the two.
    """

    output_format = "json+base64"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "_ensemble.json"
        self._journal: Journal | None = None

    def indexes(self) -> Iterator[int]:
        """Repair what a kill has left, and yield the indexes of the rows."""
        for part in self._parts():
            yield from _indexes_of(part)
        for journal in self._journals():
            if self._part(journal).exists():
                journal.unlink()
            else:
                yield from (index for index, _ in lines_of(journal))

    def remove(self) -> None:
        """Remove the table with its record, and the folder unless it has other files."""
        for path in (*self._parts(), *self._journals(), self.record):
            path.unlink(missing_ok=True)

    def append(self, line: bytes) -> None:
        """Append the line of a row."""
        journal = self._open()
        journal.append(line)
        if journal.rows >= _MOST_ROWS or journal.size >= _MOST_BYTES:
            self._close()
            self._pack(journal.path)

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._close(kind)
        if kind is not None:
            return  # the journal is enough to go on
        for journal in self._journals():
            self._pack(journal)
        self._unify()

    def _parts(self) -> list[Path]:
        return sorted(filter(_number_of, self.path.glob("part-*.parquet")))

    def _journals(self) -> list[Path]:
        return sorted(filter(_number_of, self.path.glob("_journal-*.jsonl")))

    def _part(self, journal: Path) -> Path:
        return self.path / f"part-{_number_of(journal)}.parquet"

    def _open(self) -> Journal:
        if self._journal is None:
            names = [*self._parts(), *self._journals()]
            number = 1 + max((int(_number_of(each)) for each in names), default=-1)
            self._journal = Journal(self.path / f"_journal-{number:06}.jsonl")
            self._journal.__enter__()
        return self._journal

    def _close(self, kind: object = None) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.__exit__(kind)

    def _pack(self, journal: Path) -> None:
        """Make a part of a journal."""
        rows = [from_json(line) for _, line in lines_of(journal)]
        if rows:
            _write(self._part(journal), table_of(rows))
        journal.unlink()

    def _unify(self) -> None:
        """Give all parts the same columns, which readers take from the first one."""
        schemas = {part: pq.read_schema(part) for part in self._parts()}
        if not schemas:
            return
        try:
            whole = pa.unify_schemas(list(schemas.values()), promote_options="permissive")
        except pa.ArrowTypeError as error:
            raise NotWritten(
                f"The parts of {str(self.path)!r} are complete, but have columns of different "
                f"types: read them one by one. {error}"
            ) from None
        for part, schema in schemas.items():
            if not schema.equals(whole):
                _write(part, _with_columns(pq.read_table(part), whole))


def _number_of(path: Path) -> str:
    """Return the digits in the name of a part or journal; none for files of other origin."""
    number = path.stem.partition("-")[2]
    return number if number.isdecimal() else ""


def _indexes_of(part: Path) -> Iterator[int]:
    try:
        yield from pq.read_table(part, columns=["index"])["index"].to_pylist()
    except (pa.ArrowException, KeyError):
        raise InvalidOption(
            f"{str(part)!r} is damaged: remove it, and --resume computes its rows again; or "
            "replace all with --overwrite."
        ) from None


def _with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema, without values where it has none."""
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names).cast(schema)


def _write(path: Path, table: pa.Table) -> None:
    """Write a part, which appears whole and stays after a loss of power."""
    draft = path.with_name(f".{path.name}")
    try:
        pq.write_table(table, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise NotWritten(
            f"Cannot write {str(path)!r}: {error.strerror or error}. The rows are kept in a "
            "journal: make room, and run the same command with --resume."
        ) from None
