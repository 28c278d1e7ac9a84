"""Capturing the output of a call: on stderr while it runs, and in the log of its run.

Another process captures, because this one, which computes, cannot do so after a crash. Workers
write to files instead, which their supervisor follows.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime_core.cli import tee
from runtime_core.run_logs.standard_output import output_redirected

_SECONDS_TO_END = 1.0  # programs that user code has left behind may write for ever


@contextmanager
def captured(log: Path) -> Iterator[None]:
    """Copy the output inside the `with`, also of subprocesses, to stderr and to the file `log`."""
    with suppress(AttributeError, ValueError):  # user code may have replaced or closed it
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", tee.__file__, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the command, from the first moment on
    )
    assert process.stdin is not None  # it is a pipe
    try:
        with output_redirected(process.stdin.fileno()):
            process.stdin.close()  # the two streams are the pipe from now on
            yield
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
