"""Keeping what a call writes: on stderr while it runs, and in the log of its run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime_core.cli import tee
from runtime_core.cli.standard_streams import flush

_STDOUT, _STDERR = 1, 2
_SECONDS_TO_END = 1.0  # programs that user code has left behind may write for ever


@contextmanager
def captured(log: Path) -> Iterator[None]:
    """Pass on to stderr what is written inside the `with`, and keep it in the file `log`.

    That is done by another process, which still has all of it when this one crashes. The standard
    streams themselves are exchanged, so that subprocesses and C code are covered as well.
    """
    flush()
    with suppress(AttributeError, ValueError):  # somebody may have exchanged or closed it
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper
    kept = [os.dup(stream) for stream in (_STDOUT, _STDERR)]
    with _tee_process(log) as process:
        assert process.stdin is not None  # it is a pipe
        for stream in (_STDOUT, _STDERR):
            os.dup2(process.stdin.fileno(), stream)
        process.stdin.close()
        try:
            yield
        finally:
            flush()
            for stream, before in zip((_STDOUT, _STDERR), kept, strict=True):
                os.dup2(before, stream)
                os.close(before)


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
