"""Reading runs back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime_core.contracts import Artifact, Parameter, RunStatus
from runtime_core.errors import MissingFile, UnknownName
from runtime_core.run_logs import StoredRun, stored_run, stored_runs
from runtime_core.run_logs.run_follower import RunFollower
from tests.run_logs.recorded import Open, metric, stored_document


def text_only(output_path: Path, name: str) -> StoredRun:
    """Write the log of a run that has printed and logged nothing."""
    folder = output_path / name / "logs"
    folder.mkdir(parents=True)
    (folder / "tesseract.log").write_text("hello\n")
    return StoredRun(folder)


def test_everything_is_read_back(opened: Open, tmp_path: Path) -> None:
    """A stored run gives the records that were logged, its artifacts as they are kept."""
    handle = opened()
    (tmp_path / ".env").touch()
    handle.write([metric(), Parameter(key="size", value=3)])
    handle.write([Artifact(path=tmp_path / ".env", name=".env")])
    handle.close(RunStatus.FINISHED)
    stored = stored_run(tmp_path, "a")
    parameter, found, artifact = RunFollower(stored.folder).records()
    assert (parameter, found) == (Parameter(key="size", value=3), metric())
    assert artifact == Artifact(path=stored.folder / "artifacts" / ".env", name=".env")
    assert (stored.run.id, stored.run.endpoint, stored.run.folder) == (
        "a",
        "apply",
        tmp_path / "run_a",
    )
    assert stored.run.log_folder == stored.folder


def test_run_that_has_only_printed_is_a_run(tmp_path: Path) -> None:
    """A run without facts has its text, and the id that its folder is named after."""
    run = text_only(tmp_path, "run_b")
    [found] = stored_runs(tmp_path)
    assert found == run
    assert (run.id, run.status, run.endpoint, run.text) == ("b", "unknown", "unknown", "hello\n")
    assert (run.parameters, [*run.metrics], run.artifacts) == ({}, [], [])


def test_folders_of_others_are_no_runs(tmp_path: Path) -> None:
    """A folder `logs` in which no run has written is not listed, and so never removed."""
    for folder in ("logs", "run_experiment/logs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "app.log").touch()
    (tmp_path / "run_file").touch()
    assert stored_runs(tmp_path) == []


def test_newest_run_comes_first(tmp_path: Path) -> None:
    """Runs are listed by their start."""
    for name, days_ago in (("run_old", 9), ("run_new", 1), ("run_middle", 5)):
        stored_document(tmp_path, name, days_ago=days_ago)
    assert [run.id for run in stored_runs(tmp_path)] == ["new", "middle", "old"]


def test_run_is_found_by_what_no_other_begins_with(tmp_path: Path) -> None:
    """A run is found by id, folder or prefix; an ambiguous prefix is refused."""
    for name in ("run_abc", "run_abd", "run_ab"):
        stored_document(tmp_path, name)
    assert stored_run(tmp_path, "abc").id == "abc"
    assert stored_run(tmp_path, "run_abd").id == "abd"
    assert stored_run(tmp_path, "ab").id == "ab"
    with pytest.raises(UnknownName, match="Run 'a' may be any of 3: write more of its id"):
        stored_run(tmp_path, "a")
    with pytest.raises(UnknownName, match=r"Unknown run 'abx' in .*Did you mean 'ab"):
        stored_run(tmp_path, "abx")


@pytest.mark.parametrize("text", ["", "[]", "3", '{"id": "a"}', '{"id": "a", "started": 3}', "\0"])
def test_damaged_facts_do_no_harm(tmp_path: Path, text: str) -> None:
    """Runs with any content of `run.json` are listed."""
    text_only(tmp_path, "run_a")
    (tmp_path / "run_a" / "logs" / "run.json").write_text(text)
    stored_document(tmp_path, "run_b")
    assert {run.id for run in stored_runs(tmp_path)} == {"a", "b"}
    assert stored_run(tmp_path, "a").status == "unknown"


def test_torn_ends_are_left_out(opened: Open, stored: StoredRun) -> None:
    """Records that a crash has torn are skipped, and those before them are read."""
    handle = opened()
    handle.write([metric("a"), Parameter(key="a", value=1), Parameter(key="b", value=2)])
    with (stored.folder / "metrics.csv").open("a") as file:
        file.write('2026-01-01T00:00:00+00:00,"los')
    whole = (stored.folder / "parameters.json").read_bytes()
    for size in range(len(whole) - 3, len(whole)):
        os.truncate(stored.folder / "parameters.json", size)
        assert stored.parameters in ({"a": 1}, {"a": 1, "b": 2})
    assert [m.key for m in stored.metrics] == ["a"]


def test_key_that_the_csv_module_refuses_is_told(opened: Open, stored: StoredRun) -> None:
    """The csv module has a limit, which is an error in one sentence."""
    opened().write([metric("k" * 200_000)])
    with pytest.raises(MissingFile, match=r"metrics.csv' cannot be read: field larger than"):
        list(stored.metrics)


def dead_process() -> int:
    """Return the id of a process that has ended."""
    return int(subprocess.check_output([sys.executable, "-c", "import os; print(os.getpid())"]))


def test_run_whose_process_has_ended_is_killed(tmp_path: Path) -> None:
    """A run that is not closed is running while its process lives, as far as that is known."""
    here = socket.gethostname()
    facts: dict[str, Any] = {"status": "RUNNING"}
    assert (
        stored_document(tmp_path, "run_a", host=here, pid=os.getpid(), **facts).status == "RUNNING"
    )
    assert stored_document(tmp_path, "run_b", host=here, pid=1, **facts).status == "RUNNING"
    assert stored_document(
        tmp_path, "run_c", host="elsewhere", pid=dead_process(), **facts
    ).status == ("RUNNING")
    assert (
        stored_document(tmp_path, "run_d", host=here, pid=dead_process(), **facts).status
        == "KILLED"
    )
    assert stored_document(tmp_path, "run_e", host=here, pid=dead_process()).status == "FINISHED"
