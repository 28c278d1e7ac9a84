"""`tesseract.log`: the output of a call, and the traceback of its failure."""

from __future__ import annotations

from pathlib import Path

from runtime_core.contracts import Run
from runtime_core.run_logs.standard_output import write_all


def text_log_path(run: Run) -> Path:
    """Return the path of the text log of a run."""
    return run.log_folder / "tesseract.log"


def append_text(path: Path, text: bytes) -> None:
    """Append to a log, which is created with its folder at the first byte."""
    if text:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as log:
            write_all(log.fileno(), [text])
