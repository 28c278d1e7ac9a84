"""A set of indexes in little memory: as ranges, of which a table of results has few."""

from __future__ import annotations

from bisect import bisect_right


class IndexSet:
    """Indexes as disjoint ranges in ascending order.

    >>> done = IndexSet()
    >>> for index in (0, 1, 4, 2):
    ...     done.add(index)
    >>> [index for index in range(6) if index in done], len(done)
    ([0, 1, 2, 4], 4)
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __len__(self) -> int:
        return sum(self._stops) - sum(self._starts)

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._starts, index) - 1
        return at >= 0 and index < self._stops[at]

    def add(self, index: int) -> None:
        """Add an index, and join the ranges that it connects."""
        if index in self:
            return
        at = bisect_right(self._starts, index)
        follows = at > 0 and self._stops[at - 1] == index
        precedes = at < len(self._starts) and self._starts[at] == index + 1
        if follows and precedes:
            self._stops[at - 1] = self._stops.pop(at)
            del self._starts[at]
        elif follows:
            self._stops[at - 1] += 1
        elif precedes:
            self._starts[at] = index
        else:
            self._starts.insert(at, index)
            self._stops.insert(at, index + 1)
