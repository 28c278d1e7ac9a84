"""A moment that is put off again and again, at the cost of one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `act` at a moment, unless that is put off or lifted before.

    Putting off moves no timer of the event loop: when that expires, it is set again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop = loop
        self._act = act
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a deadline."""
        return self._due is not None

    def put_off(self, seconds: float) -> None:
        """Let the deadline be some seconds from now."""
        due = self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._expire)

    def lift(self) -> None:
        """Do without a deadline, until it is put off again."""
        self._due = None

    def cancel(self) -> None:
        """Drop the timer: the deadline is not needed any more."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._expire)
        else:
            self._due = None
            self._act()
