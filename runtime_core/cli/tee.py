"""A program that passes on what a call writes, and keeps it in the log of the run.

It is started by its path, in an interpreter without site packages, and imports nothing of ours:
what is written to its stdin goes to its stderr and to the file named by its argument, which is
made with its folder at the first byte. It ends when nobody can write any more.
"""

import os
import signal
import sys
from pathlib import Path

_CHUNK = 1 << 16


def tee(path: str) -> None:
    """Pass on stdin until it ends; what one of the two places cannot take goes to the other."""
    log = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the last words of who is ended by it count too
    while piece := os.read(0, _CHUNK):
        if log is None:
            log = _opened(path)
        for descriptor in (2, log):
            _write(descriptor, piece)


def _opened(path: str) -> int:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        _write(2, f"Warning: {path!r} cannot be written: {error.strerror}.\n".encode())
        return os.open(os.devnull, os.O_WRONLY)


def _write(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        pass  # nobody reads it, or there is no room


if __name__ == "__main__":
    tee(sys.argv[1])
