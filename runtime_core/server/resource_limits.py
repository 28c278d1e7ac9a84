"""The limits of this process on memory and open files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),  # control groups, version 2
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # version 1
)


_RESERVED_FILES = 256  # for workers, their calls and what plugins open
_MOST_CONNECTIONS = 10_000


def affordable_connections(most: int = _MOST_CONNECTIONS) -> int:
    """Return a number of connections that leaves open files to everything else."""
    files = most_files()
    return min(most, max(files - _RESERVED_FILES, files // 2))


def most_files() -> int:
    """Return the number of files that this process may open."""
    import resource  # not on Windows, where only the help of `serve` is written

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files


def available_memory() -> int:
    """Return the limit of the control group in bytes, else the memory of the machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, _LIMITS))])


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
