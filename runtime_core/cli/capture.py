"""Capturing the output of a call: on stderr while it runs, and in the log of its run.

The call computes in this very process, so that another one must capture: after a crash this one
cannot show the last words. Workers write to files instead, which their supervisor follows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime_core.cli import tee
from runtime_core.run_logs.standard_output import STDERR, STDOUT, flush_output, redirect_output

_SECONDS_TO_END = 1.0  # programs that user code has left behind may write for ever


@contextmanager
def captured(log: Path) -> Iterator[None]:
    """Forward what is written inside the `with` to stderr, and append it to the file `log`.

    Another process does it, which has all of it when this one crashes. The descriptors themselves
    are replaced, so that subprocesses and C code are captured as well.
    """
    flush_output()
    with suppress(AttributeError, ValueError):  # user code may have replaced or closed it
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper
    real = [(stream, os.dup(stream)) for stream in (STDOUT, STDERR)]
    with _tee_process(log) as process:
        assert process.stdin is not None  # it is a pipe
        with process.stdin as pipe:
            redirect_output(os.dup(pipe.fileno()))
        try:
            yield
        finally:
            flush_output()
            for stream, descriptor in real:
                os.dup2(descriptor, stream)
                os.close(descriptor)


@contextmanager
def _tee_process(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-I", "-S", tee.__file__, str(log)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the command, from the first moment on
    )
    try:
        yield process
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
