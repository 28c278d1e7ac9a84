"""Writing the log of requests beside the event loop, which must never wait for its reader."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from runtime_core.server.access_log import ACCESS

_PAUSE = 0.05  # seconds in which lines gather: a thread woken for each would slow the requests
_SECONDS_TO_END = 1.0
_MOST_WAITING = 10_000  # lines; what a stalled reader of stderr misses beyond is lost


class GatheringHandler(logging.Handler):
    """Leaves the text of records, and its writing, to a thread that wakes now and then."""

    def __init__(self, writer: logging.Handler) -> None:
        super().__init__()
        self._writer = writer
        self._waiting: deque[logging.LogRecord] = deque()
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record unless too many wait."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(record)
        if not self._news.is_set():
            self._news.set()

    def end(self, seconds: float) -> None:
        """Wait at most so long until everything is written."""
        self._ended.set()
        self._news.set()
        self._thread.join(seconds)

    def _write(self) -> None:
        is_last = False
        while not is_last:
            self._news.wait()
            self._news.clear()
            is_last = self._ended.wait(_PAUSE)
            while self._waiting:
                self._writer.handle(self._waiting.popleft())


@contextmanager
def logged_requests() -> Iterator[None]:
    """Write a line to stderr for each request inside the `with`."""
    handler = GatheringHandler(logging.StreamHandler(sys.stderr))
    handler.start()
    ACCESS.addHandler(handler)
    ACCESS.setLevel(logging.INFO)
    ACCESS.propagate = False
    try:
        yield
    finally:
        ACCESS.removeHandler(handler)
        handler.end(_SECONDS_TO_END)  # whoever reads stderr may have stopped to
