"""The owners of runs: the keys with which they were called."""

from __future__ import annotations

import os

from runtime_core.config import RuntimeConfig
from runtime_core.run_logs.run import run_folder
from runtime_core.run_logs.run_document import read_document

_MOST = 100_000  # ids that are remembered


class RunOwners:
    """Remembers the owner of the key that first named each run id, and finds those of others."""

    def __init__(self, config: RuntimeConfig) -> None:
        self._output_path = config.output_path
        self._owners: dict[str, str] = {}

    def admits(self, run_id: str, owner: str) -> bool:
        """Check whether an owner may begin a run of a valid id, and owns it from now on.

        A run whose owner is not known is never replaced.
        """
        known = self.find(run_id)
        if known is not None:
            return known == owner
        if os.path.lexists(run_folder(run_id, self._output_path)):
            return False
        if len(self._owners) >= _MOST:
            del self._owners[next(iter(self._owners))]  # the oldest
        self._owners[run_id] = owner
        return True

    def find(self, run_id: str) -> str | None:
        """Return the owner of a run of a valid id, if it has one, from its record."""
        if run_id in self._owners:
            return self._owners[run_id]
        caller = read_document(run_folder(run_id, self._output_path) / "logs").get("caller")
        return caller if isinstance(caller, str) else None
