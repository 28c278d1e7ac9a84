"""A program that forwards its stdin to stderr and to the log of a run, and warns of a long run.

Its arguments are the path of the log, and pairs of a time in seconds and the line for stderr if the
run has not ended then. It is started by its path, without site packages, and imports only modules
of the interpreter: `pathlib` and `contextlib` would take longer than all the rest.
"""

import os
import select
import sys
import time

_CHUNK = 1 << 16


def tee(path: str, notices: list[str]) -> None:
    """Forward stdin until it ends; a failure of one destination does not stop the other."""
    log = None
    while piece := _next_piece(notices):
        if log is None:
            log = _opened(path)
        for descriptor in (2, log):
            _write(descriptor, piece)


def _next_piece(notices: list[str]) -> bytes:
    """Wait for output, and write the notices that are due meanwhile."""
    while notices:
        left = float(notices[0]) - (time.monotonic() - _START)
        if left > 0 and select.select([0], [], [], left)[0]:
            break
        if left <= 0:
            _, text, *notices[:] = notices
            if os.getppid() == _COMMAND:  # else a program that it has left behind is running
                _write(2, f"{text}\n".encode())
    return os.read(0, _CHUNK)


_START = time.monotonic()
_COMMAND = os.getppid()


def _opened(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120  # see above
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        _write(2, f"Warning: {path!r} cannot be written: {error.strerror}.\n".encode())
        return os.open(os.devnull, os.O_WRONLY)


def _write(descriptor: int, piece: bytes) -> None:
    try:
        while piece:
            piece = piece[os.write(descriptor, piece) :]
    except OSError:  # the reader may be gone, or the disk full
        pass


if __name__ == "__main__":
    tee(sys.argv[1], sys.argv[2:])
