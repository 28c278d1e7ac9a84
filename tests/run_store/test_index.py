"""The index over the runs of an output path."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runtime_core.contracts import RunStatus
from runtime_core.run_logs import StoredRun
from tesseract_runtime_run_store.index import NAME, listed_facts
from tests.run_logs.recorded import Open, stored_document


def statuses(output_path: Path) -> dict[str, str]:
    """Return the status of each run that the index knows."""
    return {name: facts["status"] for name, facts in listed_facts(output_path).items()}


def test_index_follows_the_folders(opened: Open, tmp_path: Path) -> None:
    """New, changed and removed runs are noticed, and a removed index is made again."""
    handle = opened("a")
    stored_document(tmp_path, "run_b")
    assert statuses(tmp_path) == {"run_a": "RUNNING", "run_b": "FINISHED"}
    handle.close(RunStatus.FAILED)
    (tmp_path / "run_b" / "logs" / "run.json").unlink()
    assert statuses(tmp_path) == {"run_a": "FAILED"}
    (tmp_path / NAME).unlink()
    assert statuses(tmp_path) == {"run_a": "FAILED"}


def test_known_documents_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second list reads no document again."""
    stored_document(tmp_path, "run_a", payload="x" * 1000)
    first = listed_facts(tmp_path)
    monkeypatch.setattr(StoredRun, "facts", property(lambda run: pytest.fail("It was read.")))
    assert listed_facts(tmp_path) == first
    assert "payload" not in first["run_a"]


@pytest.mark.parametrize("content", [b"", b"no database at all, of any kind" * 40])
def test_damaged_index_does_no_harm(tmp_path: Path, content: bytes) -> None:
    """Runs are listed from their folders where the index cannot be used."""
    stored_document(tmp_path, "run_a")
    (tmp_path / NAME).write_bytes(content)
    assert {*statuses(tmp_path)} <= {"run_a"}


def test_processes_may_list_at_once(tmp_path: Path) -> None:
    """A list that is cut short leaves the index as it was, and another one goes on."""
    stored_document(tmp_path, "run_a")
    listed_facts(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as other, other:
        other.execute("UPDATE runs SET facts = ?", (json.dumps({"status": "torn"}),))
        other.rollback()
    os.utime(tmp_path / "run_a" / "logs" / "run.json", (1, 1))
    assert statuses(tmp_path) == {"run_a": "FINISHED"}
