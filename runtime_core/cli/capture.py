"""Capturing the output of a call: on stderr while it runs, and in the log of its run.

Another process captures, because this one, which computes, cannot do so after a crash. Workers
write to files instead, which their supervisor follows.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from runtime_core.cli import tee
from runtime_core.contracts import Run
from runtime_core.run_logs.long_runs import NOTICE_SECONDS, notice
from runtime_core.run_logs.standard_output import output_redirected
from runtime_core.run_logs.text_log import text_log_path

_SECONDS_TO_END = 1.0  # programs that user code has left behind may write for ever


@contextmanager
def captured(run: Run) -> Iterator[None]:
    """Copy the output inside the `with`, also of subprocesses, to stderr and to the log of a run.

    On stderr are notices too while the run takes long.
    """
    with suppress(AttributeError, ValueError):  # user code may have replaced or closed it
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper
    with ExitStack() as ended:
        with _signals_blocked():
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", tee.__file__, str(text_log_path(run)), *_notices(run)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the command, from the first moment on
            )
            ended.callback(_wait_for, process)
        assert process.stdin is not None  # it is a pipe
        with output_redirected(process.stdin.fileno()):
            process.stdin.close()  # the two streams are the pipe from now on
            yield


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process that copies, which ends when no process has the pipe open any more."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, daemon=True).start()  # it is our child still


def _notices(run: Run) -> Iterator[str]:
    """Yield each time after which a notice is due, and its text."""
    for seconds in NOTICE_SECONDS:
        yield from (str(seconds), notice(run.endpoint, run.id, seconds))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block the signals that end a process, also in the programs that are started in the `with`.

    The last words of an interrupted call count too.
    """
    blocked = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
