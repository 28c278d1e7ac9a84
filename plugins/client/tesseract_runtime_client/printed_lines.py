"""The lines that a call in this process prints, also by C code and subprocesses."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from runtime_core.run_logs import output_redirected

_TURN = threading.RLock()
"""The standard streams are those of the process: one call at a time can have them."""


@contextmanager
def printed_lines(receive: Callable[[str], object]) -> Iterator[None]:
    """Pass the lines that are printed inside the `with` to a function, at its end.

    Not before: what the function prints itself would be a part of them.
    """
    with tempfile.TemporaryFile("w+", buffering=1, errors="replace") as printed:
        try:
            redirected = output_redirected(printed.fileno())
            with _TURN, redirected, redirect_stdout(printed), redirect_stderr(printed):
                yield
        finally:
            printed.seek(0)
            for line in printed:
                receive(line.rstrip("\n"))
