"""The standard streams of a process as descriptors, which C code and subprocesses share."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runtime_core.contracts import Buffer

STDOUT, STDERR = 1, 2


def write_all(descriptor: int, buffers: Sequence[Buffer]) -> None:
    """Write buffers whole; `os.write` may write a part of one."""
    for buffer in buffers:
        rest = memoryview(buffer).cast("B")
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def redirect_output(descriptor: int) -> None:
    """Send what this process writes from now on to a file or pipe, and close its descriptor."""
    for stream in (STDOUT, STDERR):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def has_output() -> bool:
    """Check whether stdout is a file that something was written to, or has been closed."""
    try:
        return os.fstat(STDOUT).st_size > 0
    except OSError:
        return True


@contextmanager
def output_redirected(descriptor: int) -> Iterator[None]:
    """Send what this process writes inside the `with` to a file or pipe."""
    flush_output()
    real = [(stream, os.dup(stream)) for stream in (STDOUT, STDERR)]
    redirect_output(os.dup(descriptor))
    try:
        yield
    finally:
        flush_output()
        for stream, kept in real:
            os.dup2(kept, stream)
            os.close(kept)


def flush_output() -> None:
    """Write what the buffers of Python and of C hold."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        # User code may have replaced it with any object.
        except Exception:  # noqa: S110  # `suppress` takes longer, in every call
            pass
    _C_LIBRARY.fflush(None)


_C_LIBRARY = ctypes.CDLL(None)
