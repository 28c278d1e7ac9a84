"""The index over the runs of an output path, without which thousands of documents would be read.

It is a cache: a row has the facts of a run as its `run.json` had them at a time of change, and is
replaced when that differs. Removing the file loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from runtime_core.run_logs import StoredRun, run_name

NAME = ".runs.sqlite3"
"""The name of the index in an output path."""

_LISTED = ("id", "endpoint", "parent_id", "started", "ended", "status", "host", "pid")

_TABLE = "CREATE TABLE IF NOT EXISTS runs (folder TEXT PRIMARY KEY, changed INTEGER, facts TEXT)"


def listed_facts(output_path: Path) -> dict[str, dict[str, Any]]:
    """Return the facts of runs that a list shows, by the names of their folders.

    Without an index, as on a read-only disk, none are known.
    """
    changed = dict(_changes(output_path))
    try:
        with closing(sqlite3.connect(output_path / NAME)) as index, index:
            return _updated(index, output_path, changed)
    except sqlite3.Error:
        return {}


def _updated(
    index: sqlite3.Connection, output_path: Path, changed: dict[str, int]
) -> dict[str, dict[str, Any]]:
    """Return the facts of all runs, read from those documents that the index does not know."""
    index.execute(_TABLE)
    rows = {name: (time, facts) for name, time, facts in index.execute("SELECT * FROM runs")}
    new = {
        name: (time, _facts_in(output_path / name))
        for name, time in changed.items()
        if rows.get(name, (None, ""))[0] != time
    }
    gone = [(name,) for name in rows.keys() - changed.keys()]
    index.executemany("DELETE FROM runs WHERE folder = ?", gone)
    values = [(name, *row) for name, row in new.items()]
    index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", values)
    return {name: json.loads({**rows, **new}[name][1]) for name in changed}


def _changes(output_path: Path) -> Iterator[tuple[str, int]]:
    """Yield the folders of runs that have a document, and its time of change."""
    for folder in output_path.glob(run_name("*")):
        with suppress(OSError):  # it has none
            yield folder.name, (folder / "logs" / "run.json").stat().st_mtime_ns


def _facts_in(folder: Path) -> str:
    facts = StoredRun(folder / "logs").facts
    return json.dumps({name: facts[name] for name in _LISTED if name in facts})
