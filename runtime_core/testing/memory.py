"""The peak memory of a call."""

from __future__ import annotations

import resource
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SLACK = 50 * 10**6
"""Bytes that a call may take in addition to the arrays of its document."""


def traced_peak(function: Callable[[], Any]) -> int:
    """Return the peak of the bytes that Python and numpy allocate in a call."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident_peak(function: Callable[[], Any]) -> int:
    """Return the growth of this process at the peak of a call.

    Where the system cannot reset the peak, only growth beyond an earlier peak counts.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _peak()
    function()
    return _peak() - before


def _peak() -> int:
    if sys.platform == "linux":  # where getrusage includes the peak of the parent process
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
