"""The profile of a call by function."""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_LINES = 40


@contextmanager
def profiled() -> Iterator[None]:
    """Write a profile of the code inside the `with` to stderr, the costliest functions first.

    If another profiler is active, the output is one line with that error.
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
