"""Handles of the forward solves that workers have kept: random names that answers carry."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_core.workers.worker_process import WorkerProcess

_MOST = 1024  # workers keep fewer states, as a rule


class ForwardHandles:
    """The worker that has kept a state and the seconds that it took to compute, by handle."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[WorkerProcess, float]] = OrderedDict()

    def new(self, worker: WorkerProcess, seconds: float) -> str:
        """Return a handle for a state that a worker has kept."""
        handle = secrets.token_hex(16)
        self._kept[handle] = worker, seconds
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return handle

    def find(self, handle: str) -> tuple[WorkerProcess, float] | None:
        """Return the worker and the seconds of a handle, if it is known."""
        return self._kept.get(handle)

    def forget(self, lost: WorkerProcess) -> None:
        """Forget the states of a worker that has ended."""
        for handle, (worker, _) in [*self._kept.items()]:
            if worker is lost:
                del self._kept[handle]
