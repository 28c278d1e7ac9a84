"""`tesseract.log`: what a call wrote on its standard streams, and the traceback of its failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime_core.contracts import Run
from runtime_core.run_logs.standard_output import write_all

FILE_NAME = "tesseract.log"


def text_log_path(run: Run) -> Path:
    """Return the path of the text log of a run."""
    return run.log_folder / FILE_NAME


def append_text(path: Path, text: bytes) -> None:
    """Append to a log, which is created with its folder at the first byte."""
    if not text:
        return
    with _opened(path) as log:
        write_all(log, [text])


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
