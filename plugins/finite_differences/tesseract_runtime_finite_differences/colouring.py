"""Colourings of the columns of a sparse matrix: no two columns of a colour share a row.

Columns of one colour can be computed together (Curtis, Powell and Reid, 1974). This is a distance-2
colouring of the columns in the graph of rows and columns (Gebremedhin, Manne and Pothen, What Color
Is Your Jacobian?, SIAM Review 47, 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Integers = np.ndarray[Any, np.dtype[np.intp]]


def colours_of(rows: Integers, columns: Integers, count: int) -> Integers:
    """Return a colour for each of `count` columns, of a matrix with entries at rows and columns.

    Columns that share rows with the most others come first. If that takes more colours than the
    fullest row has entries, the columns are tried in their order, too.

    >>> tridiagonal = [(i, j) for i in range(6) for j in range(6) if abs(i - j) < 2]
    >>> colours_of(*np.array(tridiagonal).T, 6).tolist()
    [1, 2, 0, 1, 2, 0]
    """
    order = np.argsort(columns, kind="stable")
    bounds = np.cumsum(np.bincount(columns, minlength=count))[:-1]
    members = [part.tolist() for part in np.split(rows[order], bounds)] if count else []
    sizes = np.bincount(rows) if rows.size else np.zeros(1, int)
    neighbours = np.bincount(columns, weights=sizes[rows] - 1.0, minlength=count)
    colours = _greedy(members, np.argsort(-neighbours, kind="stable"), len(sizes))
    if count and colours.max() >= max(sizes.max(), 1):
        colours = min(colours, _greedy(members, np.arange(count), len(sizes)), key=np.max)
    return colours


def _greedy(members: list[list[int]], order: Integers, rows: int) -> Integers:
    """Give each column in order the first colour that none of its rows has, as bits of integers."""
    used = [0] * rows
    colours = np.zeros(len(members), np.intp)
    for column in order.tolist():
        taken = 0
        for row in members[column]:
            taken |= used[row]
        free = ~taken & (taken + 1)
        for row in members[column]:
            used[row] |= free
        colours[column] = free.bit_length() - 1
    return colours
