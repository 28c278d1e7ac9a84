"""`run.json`: the facts of a run, from its first file to its end.

The process that computes writes it before any other file of the run, or the supervisor does before
the first output; the supervisor adds what it alone knows at the end.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runtime_core.contracts import Run, RunStatus
from runtime_core.files import write
from runtime_core.run_logs.run_files import DOCUMENT

RUNNING = "RUNNING"
"""The status of a run that has not ended."""


def begin_run(run: Run, **facts: Any) -> None:
    """Write the document of a run that this process computes or supervises.

    Raises `OSError` or `NotWritten` if its folder cannot be written.
    """
    run.log_folder.mkdir(parents=True, exist_ok=True)
    known = read_document(run.log_folder)
    _write(
        run,
        {
            **known,
            **_facts(run),
            "started": known.get("started") or _now(),
            "ended": None,
            "status": RUNNING,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            **facts,
        },
    )


def end_run(run: Run, status: RunStatus, **facts: Any) -> None:
    """Add the status, the time of the end and further facts to the document of a run."""
    known = read_document(run.log_folder)
    if "id" not in known:
        begin_run(run)
        known = read_document(run.log_folder)
    _write(run, {**known, "ended": _now(), "status": str(status), **facts})


def read_document(log_folder: Path) -> dict[str, Any]:
    """Return the facts of the run in a log folder; none for other folders."""
    try:
        facts = json.loads((log_folder / DOCUMENT).read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _facts(run: Run) -> dict[str, Any]:
    names = ("id", "endpoint", "name", "version", "parent_id", "caller", "metadata")
    return {name: getattr(run, name) for name in names}


def _write(run: Run, facts: dict[str, Any]) -> None:
    text = f"{json.dumps(facts, indent=2)}\n".encode("ascii")
    write(str(run.log_folder / DOCUMENT), [text])


def _now() -> str:
    return datetime.now(UTC).isoformat()
