"""The keys that have named runs: a run is replaced by its own key alone."""

from __future__ import annotations

import os

from runtime_core.config import RuntimeConfig
from runtime_core.run_logs.run import run_folder

_MOST = 100_000  # ids that are remembered


class RunOwners:
    """Remembers the key that first named each run id.

    A run that is not remembered, because the server gave it its id or was started later, is
    never replaced.
    """

    def __init__(self, config: RuntimeConfig) -> None:
        self._output_path = config.output_path
        self._keys: dict[str, bytes] = {}

    def admits(self, run_id: str, key: bytes) -> bool:
        """Check whether a key may begin a run of a valid id, which it owns from now on."""
        owner = self._keys.get(run_id)
        if owner is not None:
            return owner == key
        if os.path.lexists(run_folder(run_id, self._output_path)):
            return False
        if len(self._keys) >= _MOST:
            del self._keys[next(iter(self._keys))]  # the oldest
        self._keys[run_id] = key
        return True
