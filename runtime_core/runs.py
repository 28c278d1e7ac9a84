"""Runs: one computation with its name and its folder."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from runtime_core.errors import InvalidOption

_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One computation: its id, its endpoint and the run that it belongs to."""

    id: str
    endpoint: str
    parent_id: str | None = None


def new_run_id() -> str:
    """Return an id that no other run has."""
    return str(uuid.uuid4())


def checked_run_id(run_id: str) -> str:
    """Return a caller's run id if it can name a folder, else raise `InvalidOption`.

    >>> checked_run_id("fit-7.a")
    'fit-7.a'
    """
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id:
        raise InvalidOption(
            f"run_id {run_id[:140]!r} is not valid: 1 to 128 letters, digits, '_', '.' and '-', "
            "and no '..'."
        )
    return run_id
