"""The lines that a call in this process prints, also by C code and subprocesses."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO

from runtime_core.run_logs import flush_output

_STREAMS = (1, 2)

_TURN = threading.RLock()
"""The standard streams are those of the process: one call at a time can have them."""


@contextmanager
def printed_lines(receive: Callable[[str], object]) -> Iterator[None]:
    """Pass the lines that are printed inside the `with` to a function, at its end.

    Not before: what the function prints itself would be a part of them.
    """
    with tempfile.TemporaryFile("w+", buffering=1, errors="replace") as printed:
        try:
            with _TURN, _printing_to(printed):
                yield
        finally:
            printed.seek(0)
            for line in printed:
                receive(line.rstrip("\n"))


@contextmanager
def _printing_to(file: IO[str]) -> Iterator[None]:
    flush_output()
    real = [os.dup(stream) for stream in _STREAMS]
    for stream in _STREAMS:
        os.dup2(file.fileno(), stream)
    try:
        with redirect_stdout(file), redirect_stderr(file):
            try:
                yield
            finally:
                flush_output()
    finally:
        for stream, descriptor in zip(_STREAMS, real, strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)
