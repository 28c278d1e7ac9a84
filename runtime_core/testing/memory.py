"""How much memory a call takes at most."""

from __future__ import annotations

import resource
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SLACK = 50 * 10**6
"""Bytes that a call may take for itself, beside what it takes for the arrays of its document."""


def traced_peak(function: Callable[[], Any]) -> int:
    """Return the most bytes that Python and numpy hold at one moment of a call, beyond before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident_peak(function: Callable[[], Any]) -> int:
    """Return by how many bytes a call makes this process larger than before at most.

    Where the system does not forget, what the process has held before is no growth.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _most_resident()
    function()
    return _most_resident() - before


def _most_resident() -> int:
    """Return the most bytes that this process has held.

    Linux counts for `getrusage` also what the process held that started this one.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
