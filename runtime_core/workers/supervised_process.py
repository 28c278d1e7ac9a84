"""A process that ends with the one that supervises it, and the socket between the two."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def launched(
    module: str, output: int, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a module as a process that leads its own session, and return it with our socket.

    Its arguments are those of `connected`. It ends with the thread that starts it.
    """
    ours, theirs = socket.socketpair()
    with theirs, ExitStack() as failed:
        failed.callback(ours.close)
        numbers = [str(theirs.fileno()), str(os.getpid())]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *numbers],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment,
        )
        failed.pop_all()
    return process, ours


def connected(descriptor: int, parent: int) -> socket.socket:
    """Return the socket of a launched process, which ends with its supervisor from now on."""
    _die_with(parent)
    os.set_inheritable(descriptor, False)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a TextIOWrapper
    return socket.socket(fileno=descriptor)


def _die_with(parent: int) -> None:
    """End this process when its supervisor ends in any way; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above took effect
        sys.exit(1)


def kill_group(leader: int) -> None:
    """Kill a process that leads its session, and the programs that it has started."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter
        os.killpg(leader, signal.SIGKILL)


def end_text(code: int) -> str:
    """Return the exit code of a process, or the signal that ended it.

    >>> end_text(3), end_text(-9)
    ('exit code 3', 'signal SIGKILL')
    """
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
