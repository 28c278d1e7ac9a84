"""The text log of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_core.contracts import Run
from runtime_core.run_logs.run import run_of
from runtime_core.run_logs.text_log import append_text, text_log_path
from tests.run_logs.conftest import Logging, call_of


def test_log_is_made_by_its_first_byte(tmp_path: Path) -> None:
    """Without text there is neither file nor folder; with it both, and it only grows."""
    path = text_log_path(Run(id="a", endpoint="apply", folder=tmp_path / "deep" / "run_a"))
    append_text(path, b"")
    assert list(tmp_path.iterdir()) == []
    append_text(path, b"one\n")
    append_text(path, b"\xff")
    assert path == tmp_path / "deep" / "run_a" / "logs" / "tesseract.log"
    assert path.read_bytes() == b"one\n\xff"


def test_unwritable_log_raises(tmp_path: Path) -> None:
    """A file where a folder should be is an `OSError`."""
    (tmp_path / "logs").touch()
    with pytest.raises(OSError, match="logs"):
        append_text(tmp_path / "logs" / "tesseract.log", b"x")


def test_run_of_a_call_lies_in_the_output_path(logging_runtime: Logging, tmp_path: Path) -> None:
    """The folder of a run is that of its results; it has the name of the Tesseract."""
    runtime, _ = logging_runtime(name="heat", version="2.1")
    run = run_of(call_of(run_id="a.b"), runtime.config)
    assert (run.id, run.endpoint, run.name, run.version) == ("a.b", "apply", "heat", "2.1")
    assert run.log_folder == tmp_path / "run_a.b" / "logs"
    assert not run.folder.exists()
