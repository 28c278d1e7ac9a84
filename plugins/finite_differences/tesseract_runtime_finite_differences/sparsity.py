"""Sparsity patterns of Jacobians, and the columns that can be computed together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.errors import GradientFailed
from runtime_core.gradients import Vector
from tesseract_runtime_finite_differences.colouring import Integers, colours_of

Sparsity = Mapping[str, Mapping[str, Any]]
"""`{output: {input: pattern}}`: "diagonal", "banded:K" or a matrix of scipy.sparse.

Rows are the elements of the output and columns those of the input, both in C order. A block
without a pattern is taken for full.
"""

_BANDED = re.compile(r"banded:([0-9]{1,9})")
PATTERNS = "expected 'diagonal', 'banded:K' or a matrix of scipy.sparse"


def is_pattern(value: Any) -> bool:
    """Check whether a value has the form of a pattern, for arrays of any size."""
    if isinstance(value, str):
        return value == "diagonal" or _BANDED.fullmatch(value) is not None
    return value is None or callable(getattr(value, "tocoo", None))


def is_sparse(sparsity: Sparsity | None, inputs: Collection[str], outputs: Collection[str]) -> bool:
    """Check whether an input has a pattern for each of the outputs."""
    rows = [(sparsity or {}).get(output, {}) for output in outputs]
    return any(all(path in row for row in rows) for path in inputs)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Derivatives of elements `rows` of an output by elements `columns` of an input."""

    output: str
    path: str
    rows: Integers
    columns: Integers
    values: AnyArray

    def put(self, blocks: Mapping[str, Mapping[str, AnyArray]], inputs: Vector) -> None:
        """Put the derivatives into the blocks of a Jacobian, `{output: {input: block}}`."""
        block = blocks[self.output][self.path]
        block.reshape(-1, inputs[self.path].size)[self.rows, self.columns] = self.values


@dataclass(frozen=True, kw_only=True)
class Compression:
    """The colour of each element of each input, and the entries of each block, `None` if full.

    Elements of one colour move together.
    """

    colours: Mapping[str, Integers]
    entries: Mapping[tuple[str, str], tuple[Integers, Integers] | None]
    count: int

    @staticmethod
    def of(sparsity: Sparsity, inputs: Vector, outputs: Vector) -> Compression:
        """Colour the elements of inputs; `GradientFailed` for a pattern that does not fit."""
        entries = {
            (output, path): _entries(sparsity, output, path, value.size, array.size)
            for output, value in outputs.items()
            for path, array in inputs.items()
        }
        full = {path for (_, path), block in entries.items() if block is None}
        sparse = [path for path in inputs if path not in full]
        colours = _coloured(entries, sparse, inputs, outputs)
        count = max((int(c.max(initial=-1)) + 1 for c in colours.values()), default=0)
        for path in sorted(full):  # each of their elements moves alone
            colours[path] = np.arange(count, count + inputs[path].size)
            count += inputs[path].size
        return Compression(colours=colours, entries=entries, count=count)

    def moved(self, colour: int, inputs: Vector) -> dict[str, AnyArray]:
        """Return a mask for each input: its elements that have a colour."""
        return {
            path: (colours == colour).reshape(inputs[path].shape)
            for path, colours in self.colours.items()
        }

    def parts(self, colour: int, changes: Vector, taken: Vector) -> Iterator[Part]:
        """Yield the derivatives from the changes of outputs for the steps taken by a colour."""
        for (output, path), block in self.entries.items():
            colours = self.colours[path]
            if block is None:
                (moved,) = np.nonzero(colours == colour)
                rows = np.tile(np.arange(changes[output].size), moved.size)
                columns = np.repeat(moved, changes[output].size)
            else:
                chosen = colours[block[1]] == colour
                rows, columns = block[0][chosen], block[1][chosen]
            if columns.size:
                values = changes[output].ravel()[rows] / taken[path].ravel()[columns]
                yield Part(output=output, path=path, rows=rows, columns=columns, values=values)


def _coloured(
    entries: Mapping[tuple[str, str], Any], paths: list[str], inputs: Vector, outputs: Vector
) -> dict[str, Integers]:
    """Colour the elements of several inputs as the columns of one matrix."""
    below, before = _starts(outputs), _starts({path: inputs[path] for path in paths})
    empty = np.zeros(0, np.intp)
    rows, columns = [empty], [empty]
    for (output, path), block in entries.items():
        if path in before:
            rows.append(block[0] + below[output])
            columns.append(block[1] + before[path])
    count = sum(inputs[path].size for path in paths)
    colours = colours_of(np.concatenate(rows), np.concatenate(columns), count)
    return {path: colours[start : start + inputs[path].size] for path, start in before.items()}


def _starts(arrays: Vector) -> dict[str, int]:
    """Return the position of the first element of each array, all in a row."""
    ends = accumulate(array.size for array in arrays.values())
    return {path: end - arrays[path].size for path, end in zip(arrays, ends, strict=True)}


def _entries(
    sparsity: Sparsity, output: str, path: str, rows: int, columns: int
) -> tuple[Integers, Integers] | None:
    """Return the rows and columns of the entries of a block, or `None` for a full one."""
    pattern = sparsity.get(output, {}).get(path)
    if pattern is None:
        return None
    place = f"The sparsity of {output!r} by {path!r}"
    if isinstance(pattern, str):
        return _banded(_bandwidth(pattern, place), rows, columns, place)
    if not callable(getattr(pattern, "tocoo", None)):
        raise GradientFailed(f"{place} is {pattern!r:.60}: {PATTERNS}.")
    if tuple(pattern.shape) != (rows, columns):
        raise GradientFailed(
            f"{place} has the shape {tuple(pattern.shape)}, but the block has {rows} elements of "
            f"the output by {columns} of the input."
        )
    matrix = pattern.tocoo()
    return np.asarray(matrix.row, np.intp), np.asarray(matrix.col, np.intp)


def _bandwidth(pattern: str, place: str) -> int:
    if pattern == "diagonal":
        return 0
    matched = _BANDED.fullmatch(pattern)
    if matched is None:
        raise GradientFailed(f"{place} is {pattern!r:.60}: {PATTERNS}.")
    return int(matched[1])


def _banded(width: int, rows: int, columns: int, place: str) -> tuple[Integers, Integers]:
    if rows != columns:
        raise GradientFailed(
            f"{place} is a band, but the output has {rows} elements and the input {columns}: give "
            "a matrix of scipy.sparse."
        )
    width = min(width, max(columns - 1, 0))
    offsets = np.arange(-width, width + 1)
    row = np.repeat(np.arange(rows), offsets.size)
    column = row + np.tile(offsets, rows)
    inside = (column >= 0) & (column < columns)
    return row[inside], column[inside]
