"""The owners of the keys that have named runs: a run is replaced by its own owner alone."""

from __future__ import annotations

import os

from runtime_core.config import RuntimeConfig
from runtime_core.run_logs.run import run_folder

_MOST = 100_000  # ids that are remembered


class RunOwners:
    """Remembers the owner of the key that first named each run id.

    A run that is not remembered, because the server gave it its id or was started later, is
    never replaced.
    """

    def __init__(self, config: RuntimeConfig) -> None:
        self._output_path = config.output_path
        self._owners: dict[str, str] = {}

    def admits(self, run_id: str, owner: str) -> bool:
        """Check whether an owner may begin a run of a valid id, and owns it from now on."""
        if run_id in self._owners:
            return self._owners[run_id] == owner
        if os.path.lexists(run_folder(run_id, self._output_path)):
            return False
        if len(self._owners) >= _MOST:
            del self._owners[next(iter(self._owners))]  # the oldest
        self._owners[run_id] = owner
        return True
