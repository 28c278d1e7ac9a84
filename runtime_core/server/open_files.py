"""The open files of this process, of which every connection is one."""

from __future__ import annotations

import sys

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
