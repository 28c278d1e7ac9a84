"""The owners of runs: the keys with which they were called."""

from __future__ import annotations

import os
from contextlib import suppress

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call
from runtime_core.errors import NotWritten
from runtime_core.files import write
from runtime_core.run_logs.run import run_folder

_MARK = ".caller"  # the file in the folder of a run that names its owner
_MOST = 100_000  # runs that are remembered


class RunOwners:
    """Remembers the owner of the key of each run; the folder of a run does so for longer."""

    def __init__(self, config: RuntimeConfig) -> None:
        self._output_path = config.output_path
        self._owners: dict[str, str] = {}

    def admits(self, run_id: str, owner: str) -> bool:
        """Check whether an owner may begin a run of a valid id, and owns it from now on.

        A run whose owner is not known is never replaced.
        """
        known = self.find(run_id)
        if known is None and os.path.lexists(run_folder(run_id, self._output_path)):
            return False
        if known is None:
            self._remember(run_id, owner)
        return known in (None, owner)

    def find(self, run_id: str) -> str | None:
        """Return the owner of a run of a valid id, if it has one."""
        if run_id in self._owners:
            return self._owners[run_id]
        try:
            return (run_folder(run_id, self._output_path) / _MARK).read_text("utf-8")
        except OSError:
            return None

    def mark(self, call: Call) -> None:
        """Keep the owner of a run that has ended, in its folder if it has one."""
        if call.caller is None:
            return
        self._remember(call.run_id, call.caller)
        folder = run_folder(call.run_id, self._output_path)
        if folder.is_dir():
            with suppress(NotWritten):  # the disk is full; the owner is still remembered here
                write(str(folder / _MARK), [call.caller.encode()])

    def _remember(self, run_id: str, owner: str) -> None:
        if len(self._owners) >= _MOST:
            del self._owners[next(iter(self._owners))]  # the oldest
        self._owners[run_id] = owner
