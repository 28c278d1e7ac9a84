"""Notices of runs that take unusually long."""

from __future__ import annotations

NOTICE_SECONDS = (60.0, 600.0, 3600.0)
"""The times after which a run that has not ended is worth a line."""


def notice(endpoint: str, run_id: str, seconds: float) -> str:
    """Return the line about a run.

    >>> notice("apply", "fit-7", 60.0)
    'apply of run fit-7 is still running after 60 s.'
    """
    return f"{endpoint} of run {run_id} is still running after {seconds:g} s."
