"""Pruning: removing old runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from runtime_core.errors import InvalidOption, NotWritten
from runtime_core.run_logs import StoredRun

_UNITS: Mapping[str, str] = {
    unit[0]: unit for unit in ("seconds", "minutes", "hours", "days", "weeks")
}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SURELY_DEAD = timedelta(days=1)  # for a run that was never closed and has written nothing since


def age(text: str) -> timedelta:
    """Parse a time span such as `7d`; `InvalidOption` if it is not valid.

    >>> age("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise InvalidOption(
            f"--older-than {text!r} is not a valid time span: write a number and one of s, m, h, "
            "d, w, such as 7d."
        )
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        raise InvalidOption(f"--older-than {text!r} is longer than time goes back.") from None


def superfluous(
    runs: Sequence[StoredRun], *, keep: int | None, older_than: timedelta | None
) -> list[StoredRun]:
    """Select runs to remove, of runs sorted newest first; those that may be running stay."""
    now = datetime.now(UTC)
    chosen = runs[keep:] if keep is not None else runs
    return [
        run
        for run in chosen
        if (older_than is None or run.changed < now - older_than)
        and not (run.is_running and run.changed > now - _SURELY_DEAD)
    ]


def remove(run: StoredRun) -> None:
    """Remove all files of a run, and the link to its log; `NotWritten` if that fails."""
    folder = run.folder.parent
    try:
        shutil.rmtree(folder)
        link = folder.with_name("logs")  # to the log of the last command
        if link.is_symlink() and not link.exists():
            link.unlink()
    except OSError as error:
        raise NotWritten(f"Cannot remove {str(folder)!r}: {error.strerror or error}.") from None
