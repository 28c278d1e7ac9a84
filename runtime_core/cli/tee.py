"""A program that forwards its stdin to stderr and to the log of a run, which its argument names.

It is started by its path, without site packages, and imports nothing of the runtime.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_CHUNK = 1 << 16


def tee(path: str) -> None:
    """Forward stdin until it ends; a failure of one destination does not stop the other."""
    log = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the last words of an interrupted call count too
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
    # The reader may be gone, or the disk full.
    with suppress(OSError), open(descriptor, "wb", closefd=False) as file:
        file.write(piece)


if __name__ == "__main__":
    tee(sys.argv[1])
