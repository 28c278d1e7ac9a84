"""Pruning: removing old runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runtime_core.errors import InvalidOption, NotWritten
from tesseract_runtime_file_log.layout import TEXT, remove_log
from tesseract_runtime_file_log.reading import StoredRun

_UNITS: Mapping[str, str] = {
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
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
    """Return the runs to remove of runs that are sorted newest first.

    A run that may still go on is never one of them.
    """
    now = datetime.now(UTC)
    chosen = runs[keep:] if keep is not None else runs
    return [
        run
        for run in chosen
        if (older_than is None or run.changed < now - older_than)
        and not (run.is_running and run.changed > now - _SURELY_DEAD)
    ]


def remove(run: StoredRun, output_path: Path) -> Path:
    """Remove all files of a run and return their folder; `NotWritten` if that fails.

    The folder of a run on the command line is the output path, which has other files too.
    """
    own = run.folder.parent
    folder = run.folder if own == output_path else own
    try:
        if own == output_path:
            _remove_log(folder)
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise NotWritten(f"Cannot remove {str(folder)!r}: {error.strerror or error}.") from None
    return folder


def _remove_log(folder: Path) -> None:
    remove_log(folder, TEXT)
    with suppress(OSError):  # it is not empty: it has files of others
        folder.rmdir()
