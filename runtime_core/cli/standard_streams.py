"""Keeping stdout for results: whatever user code prints goes to stderr.

The descriptors themselves are exchanged, so that subprocesses and C code are covered as well.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from runtime_core.contracts import Buffer

_STDIN, _STDOUT, _STDERR = 0, 1, 2


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Let everything that is printed inside the `with` go to stderr."""
    with stdout_restored():
        os.close(claim_stdout())
        yield


@contextmanager
def stdout_restored() -> Iterator[None]:
    """Undo at the end of the `with` what was done to stdout inside."""
    flush()
    kept = os.dup(_STDOUT)
    try:
        yield
    finally:
        flush()
        os.dup2(kept, _STDOUT)
        os.close(kept)


def claim_stdout() -> int:
    """Let all that is printed from now on go to stderr; return a descriptor of the real stdout."""
    flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    return kept


def write_all(descriptor: int, buffers: Sequence[Buffer]) -> None:
    """Write buffers whole, whatever user code has made of Python's own streams."""
    for buffer in buffers:
        rest = memoryview(buffer).cast("B")
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def open_standard_streams() -> None:
    """Open what a scheduler or shell has closed, so that no other file takes its place."""
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is this one
    if sys.stdout is None:
        sys.stdout = open(_STDOUT, "w", closefd=False)  # noqa: SIM115  # open until the end
    if sys.stderr is None:
        sys.stderr = open(_STDERR, "w", closefd=False)  # noqa: SIM115  # open until the end


def stdout_to_stderr_for_good() -> None:
    """Let what is printed while the process ends go to stderr, C buffers included."""
    try:
        sys.stdout.flush()
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # the reader has gone, and what it did not want must not go elsewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)


def flush() -> None:
    """Write what the buffers of Python and of C hold."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # user code may have exchanged it
            stream.flush()
    _C_LIBRARY.fflush(None)


_C_LIBRARY = ctypes.CDLL(None)
