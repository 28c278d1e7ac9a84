"""Runs of which nothing is left but their `run.json`: they are kept for a while, as a history."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from runtime_core.run_logs.run import run_name
from runtime_core.run_logs.run_files import DOCUMENT

_MOST = 1_000
"""The number of such runs that an output path may have: with `--run-payload-bytes` some 64 MB."""


def remove_if_bare(folder: Path) -> bool:
    """Remove the folder of a run that has no other file than its document."""
    logs = folder / "logs"
    try:
        if [*folder.iterdir(), *logs.iterdir()] != [logs, logs / DOCUMENT]:
            return False
        (logs / DOCUMENT).unlink()
        logs.rmdir()
        folder.rmdir()
    except OSError:  # it is not there, or another process writes to it
        return False
    return True


def remove_oldest(output_path: Path) -> None:
    """Remove the oldest bare runs of an output path, beyond a thousand runs."""
    with os.scandir(output_path) as found:
        names = [entry.name for entry in found if entry.name.startswith(run_name(""))]
    if len(names) <= _MOST:
        return
    times: dict[Path, float] = {}
    for folder in (output_path / name for name in names):
        with suppress(OSError):  # another process has removed it
            times[folder] = (folder / "logs" / DOCUMENT).stat().st_mtime
    for folder in sorted(times, key=times.__getitem__)[:-_MOST]:
        remove_if_bare(folder)
