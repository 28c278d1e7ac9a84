"""The memory limit: its default, and the arrays of one document that count towards it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic_core import PydanticCustomError

from runtime_core.errors import MemoryExceeded, NotWritten

_ITEM_SIZE = 100  # bytes of a value in a tree of Python objects, if it has a key in a dict
_MOST_ITEMS = 20_000_000  # their parse takes seconds, whatever the memory

_LARGE = 1 << 12
"""Arrays of fewer bytes are counted again each time that they are read."""


def default_memory_limit() -> int:
    """Return a quarter of the memory, in bytes: a call has its body, arrays and answer in it."""
    return available_memory() // 4


def affordable_items(memory_limit: int) -> int:
    """Return the number of values in a document whose tree fits into the memory limit.

    >>> affordable_items(512 * 2**20)
    5368709
    """
    return min(_MOST_ITEMS, max(memory_limit // _ITEM_SIZE, 1))


class ArrayMemory:
    """Counts the memory of the arrays of one document, before it is taken."""

    __slots__ = ("_counted", "_error", "_free", "_limit")

    def __init__(self, limit: int, error: Callable[[str], Exception]) -> None:
        self._limit = self._free = limit
        self._error = error
        # The values are kept alive, so that no id is used again.
        self._counted: dict[int, tuple[Any, int]] | None = None

    def take(self, size: int, shape: Sequence[int]) -> None:
        """Count the bytes of an array, or raise if they are more than is left."""
        if size > self._free:
            raise self._error(
                f"An array of shape {tuple(shape)} takes {size} bytes, and {self._free} are left "
                f"of the {self._limit} bytes that --memory-limit allows for the arrays of one "
                "document. Divide it into several calls, or raise the limit."
            )
        self._free -= size

    def take_once(self, source: Any, size: int, shape: Sequence[int]) -> None:
        """Count the array of a value, which members of a union may read one after the other."""
        if size < _LARGE:
            self.take(size, shape)
            return
        if self._counted is None:
            self._counted = {}
        _, before = self._counted.get(id(source), (source, 0))
        if size > before:
            self.take(size - before, shape)
            self._counted[id(source)] = source, size


payload_memory = partial(ArrayMemory, error=partial(PydanticCustomError, MemoryExceeded.fault_type))
"""Makes the count of a payload within a limit; a refused array is a fault in its place."""

result_memory = partial(ArrayMemory, error=NotWritten)
"""Makes the count of a result, which cannot be written beyond the limit."""


def available_memory() -> int:
    """Return the limit of the control group in bytes, else the memory of the machine."""
    return min([_machine_memory(), *filter(None, map(_limit, limit_files(_group_paths())))])


def _machine_memory() -> int:
    if not hasattr(os, "sysconf"):  # Windows, where nothing is served
        return sys.maxsize
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_paths() -> Sequence[str]:
    """Return the control groups of this process that bound memory; `/` inside a container."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ["/"]
    groups = [line.split(":", 2) for line in lines]
    return [path for _, controllers, path in groups if controllers in ("", "memory")]


def limit_files(groups: Sequence[str]) -> Iterator[Path]:
    """Yield the files with the limits of groups and of those around them, in both versions."""
    for group in groups:
        path = PurePosixPath(group)
        for part in (path, *path.parents):
            for root, name in _GROUP_FILES:
                yield Path(f"{root}{part}", name)


_GROUP_FILES = (
    ("/sys/fs/cgroup", "memory.max"),  # version 2
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),  # version 1
)


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
