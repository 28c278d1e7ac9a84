"""Lines on stderr, written beside the event loop, which must never wait for their reader."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_PAUSE = 0.05  # seconds in which lines gather: a thread woken for each would slow the requests
_SECONDS_TO_END = 1.0
_MOST_WAITING = 10_000  # lines; what a stalled reader of stderr misses beyond is lost


class LineWriter(Generic[T]):
    """Makes lines of what it is given, and writes them, in a thread that wakes now and then."""

    def __init__(self, line: Callable[[T], str]) -> None:
        self._line = line
        self._waiting: deque[T] = deque()
        self._news = threading.Event()
        self._ended = threading.Event()

    def add(self, item: T) -> None:
        """Leave an item to be written, unless too many wait."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(item)
        if not self._news.is_set():
            self._news.set()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write what comes inside the `with`, up to its last item if somebody reads it."""
        thread = threading.Thread(target=self._write, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._news.set()
            await asyncio.to_thread(thread.join, _SECONDS_TO_END)

    def _write(self) -> None:
        is_last = False
        while not is_last:
            self._news.wait()
            self._news.clear()
            is_last = self._ended.wait(_PAUSE)
            lines = [self._line(self._waiting.popleft()) for _ in range(len(self._waiting))]
            with suppress(OSError, ValueError):  # nobody reads our stderr, or it is closed
                sys.stderr.write("".join(f"{line}\n" for line in lines))
                sys.stderr.flush()
