"""Serving again with each change of a Python file, for development."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from runtime_core.errors import InvalidOption
from runtime_core.server.announcement import logged_with_times

_log = logging.getLogger(__name__)

_PAUSE = 0.5  # seconds between two looks at the files


def serve_again(folder: Path, log_format: str) -> int | None:
    """Return `None` in a new process, which is to serve, now and after each change in a folder.

    In this process, wait for the signal that ends the service, and return its exit code. A service
    that ends by itself, as with a file that cannot be loaded, is started at the next change.
    """
    if sys.platform != "linux":
        raise InvalidOption("--reload needs Linux. Start the service again after a change.")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    code = None
    with logged_with_times(log_format):
        while code is None:
            seen = _versions(folder)
            child = os.fork()
            if child == 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                return None
            code = _ended(child, folder, seen)
    return code


_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD})


def _ended(child: int, folder: Path, seen: Mapping[str, int]) -> int | None:
    """Return the exit code of a process that a signal ends, or `None` after a change."""
    is_running = True
    is_ending = has_changed = False
    while is_running or not has_changed:
        received = signal.sigtimedwait(_SIGNALS, _PAUSE)
        if received is None:
            if not has_changed and (changed := _change(seen, _versions(folder))):
                has_changed = True
                _log.warning("%s has changed: the service starts again.", changed)
                if is_running:
                    os.kill(child, signal.SIGTERM)
        elif received.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            is_running = ended == 0
            if not is_running and is_ending:
                return os.waitstatus_to_exitcode(status)
            if not is_running and not has_changed:
                _log.warning("Waiting for a change of a Python file in %s.", folder)
        elif not is_running:
            return 128 + received.si_signo  # as a shell reports it
        else:
            is_ending = True
            if received.si_code <= 0:  # a terminal sends Ctrl-C to both processes
                os.kill(child, received.si_signo)
    return None


def _change(before: Mapping[str, int], after: Mapping[str, int]) -> str | None:
    """Return a file that has been written, added or removed."""
    return next((name for name, _ in before.items() ^ after.items()), None)


def _versions(folder: Path) -> dict[str, int]:
    """Return the time of the last change of each Python file."""
    return {str(file): _modified(file) for file in _python_files(folder)}


def _python_files(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        if "pyvenv.cfg" in files:  # an environment, with thousands of files
            folders.clear()
        yield from (Path(where, name) for name in files if name.endswith(".py"))


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:  # removed meanwhile
        return 0
