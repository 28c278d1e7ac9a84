"""Cancelling a task for a reason of one's own."""

from __future__ import annotations

import asyncio
from typing import Any


class OwnCancellation:
    """Cancels a task, and tells this from what others cancel it for."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._by_others = task.cancelling()
        self.is_requested = False

    @classmethod
    def of_current_task(cls) -> OwnCancellation:
        """Return the cancellation of the running task, which has not been requested."""
        task = asyncio.current_task()
        assert task is not None  # requests are answered in tasks
        return cls(task)

    def request(self) -> None:
        """Cancel the task."""
        self.is_requested = True
        self._task.cancel()

    def settle(self, kind: type[BaseException] | None) -> bool:
        """Take the request back, and say whether an error of this kind came of nothing else."""
        if not self.is_requested:
            return False
        is_alone = self._task.uncancel() <= self._by_others
        return is_alone and kind is asyncio.CancelledError
