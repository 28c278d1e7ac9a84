"""Where the time of a call goes, function by function."""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_LINES = 40


@contextmanager
def profiled() -> Iterator[None]:
    """Write a profile of what is inside the `with` to stderr, the costliest functions first.

    Where another profiler is at work already there is only a line that says so.
    """
    profile = cProfile.Profile()
    try:
        profile.enable()
    except ValueError as error:  # since Python 3.12
        sys.stderr.write(f"[profile] {error}\n")
        yield
        return
    try:
        yield
    finally:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(_MOST_LINES)
