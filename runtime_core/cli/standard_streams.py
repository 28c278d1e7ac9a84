"""Reserving stdout for results, also from C code: what else is printed goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from runtime_core.run_logs.standard_output import STDERR, STDOUT, flush_output


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect what is printed inside the `with` to stderr."""
    with stdout_restored():
        os.close(claim_stdout())
        yield


@contextmanager
def stdout_restored() -> Iterator[None]:
    """Restore stdout at the end of the `with`."""
    flush_output()
    kept = os.dup(STDOUT)
    try:
        yield
    finally:
        flush_output()
        os.dup2(kept, STDOUT)
        os.close(kept)


def claim_stdout() -> int:
    """Redirect what is printed from now on to stderr; return the descriptor of the real stdout."""
    flush_output()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    return kept


def open_standard_streams() -> None:
    """Open standard streams that the parent has closed, lest other files get their descriptors."""
    for descriptor in (0, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one
    if sys.stdout is None:
        sys.stdout = open(STDOUT, "w", closefd=False)  # noqa: SIM115  # open until the end
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", closefd=False)  # noqa: SIM115  # open until the end


def stdout_to_stderr_for_good() -> None:
    """Redirect what is printed while the process ends to stderr, C buffers included."""
    try:
        sys.stdout.flush()
        os.dup2(STDERR, STDOUT)
    except OSError:  # the reader has gone; the rest must not go elsewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
