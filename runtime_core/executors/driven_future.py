"""Futures that are computed by the thread that waits for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class DrivenFuture(Future[T]):
    """A future without a thread behind it: who waits for it calls `drive`, which settles it."""

    def __init__(self, drive: Callable[[Any], None]) -> None:
        super().__init__()
        self._drive = drive

    def result(self, timeout: float | None = None) -> T:
        """Return the result."""
        if not self.done():
            self._drive(self)
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception, if there is one."""
        if not self.done():
            self._drive(self)
        return super().exception()
