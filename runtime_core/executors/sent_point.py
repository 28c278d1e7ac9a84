"""Data that each process of an executor receives once."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor
from typing import Any

from runtime_core.contracts import SharingExecutor
from runtime_core.cores import usable_cores


class SentPoint:
    """The data near which tasks compute; a process that has received it knows its digest.

    Without data, tasks carry all that they need. The first tasks for each worker carry it, or what
    an executor that can share it has made of it; a process that has not received it asks again.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._shared: tuple[Executor, object] | None = None
        self._carried = 0  # tasks that have carried it
        self.digest = hashlib.sha256(data).hexdigest() if data else ""

    def argument(self, executor: Executor, *, again: bool) -> Any:
        """Return it as an argument of `submit`, or `None` where it is known."""
        self._carried += 1
        if not self._data or (not again and self._carried > workers_of(executor)):
            return None
        if not isinstance(executor, SharingExecutor):
            return self._data
        if self._shared is None or self._shared[0] is not executor:
            self._shared = (executor, executor.share(self._data))
        return self._shared[1]

    def lost(self) -> None:
        """Share it again: what an executor has made of it may have been lost with a process."""
        self._shared = None

    def unknown(self) -> None:
        """Send it to all processes again, which are new."""
        self._carried = 0


def workers_of(executor: Executor) -> int:
    """Return the number of tasks that an executor computes at a time."""
    known = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None)
    return known if isinstance(known, int) else usable_cores()
