"""Runs: one computation with its name and its folder."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from runtime_core.errors import InvalidOption

RUN_ID_PATTERN = r"^(?!.*\.\.)[A-Za-z0-9_.-]{1,128}$"
"""The regular expression (ECMA 262) of ids that can name a folder."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One computation: its id, its endpoint, the run that it belongs to and its own folder.

    What is logged to a run that is not `kept` is dropped. `name` and `version` are those of the
    Tesseract. The folder is made when the first file of the run is.
    """

    id: str
    endpoint: str
    parent_id: str | None = None
    folder: Path = Path()
    name: str = "Tesseract"
    version: str = "unknown"
    kept: bool = True

    @property
    def log_folder(self) -> Path:
        """Return where the run's log is: `tesseract.log` and what local sinks write."""
        return self.folder / "logs"


EVALUATION = Run(id="evaluation", endpoint="apply", kept=False)
"""The run of the many evaluations that one gradient is made of."""


def new_run_id() -> str:
    """Return an id that no other run has."""
    return str(uuid.uuid4())


def checked_run_id(run_id: str) -> str:
    """Return a caller's run id if it can name a folder, else raise `InvalidOption`.

    >>> checked_run_id("fit-7.a")
    'fit-7.a'
    """
    if not re.fullmatch(RUN_ID_PATTERN, run_id) or "\n" in run_id:
        raise InvalidOption(
            f"run_id {run_id[:140]!r} is not valid: 1 to 128 letters, digits, '_', '.' and '-', "
            "and no '..'."
        )
    return run_id
