"""Writing the log of requests beside the event loop, which must never wait for its reader."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue

from runtime_core.server.access_log import ACCESS

_SECONDS_TO_END = 1.0
_MOST_WAITING = 10_000  # lines; what a stalled reader of stderr misses beyond is lost


class _DroppingHandler(QueueHandler):
    """Drops what nobody has written for too long."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a record unless too many wait."""
        with suppress(Full):
            self.queue.put_nowait(record)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Leave the text of a record to the thread that writes it."""
        return record


@contextmanager
def logged_requests() -> Iterator[None]:
    """Write a line to stderr for each request inside the `with`."""
    waiting: Queue[logging.LogRecord] = Queue(_MOST_WAITING)
    handler = _DroppingHandler(waiting)
    listener = QueueListener(waiting, logging.StreamHandler(sys.stderr))
    ACCESS.addHandler(handler)
    ACCESS.setLevel(logging.INFO)
    ACCESS.propagate = False
    listener.start()
    try:
        yield
    finally:
        ACCESS.removeHandler(handler)
        ending = threading.Thread(target=listener.stop, daemon=True)
        ending.start()
        ending.join(_SECONDS_TO_END)  # whoever reads stderr may have stopped to
