"""Keeping stdout for results: whatever user code prints goes to stderr.

The descriptors themselves are exchanged, so that subprocesses and C code are covered as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDOUT, _STDERR = 1, 2


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Let everything that is printed inside the `with` go to stderr."""
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def stdout_to_stderr_for_good() -> None:
    """Let what is printed while the process ends go to stderr, C buffers included."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader of stdout has seen enough
    os.dup2(_STDERR, _STDOUT)
