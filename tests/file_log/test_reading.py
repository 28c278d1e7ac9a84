"""Reading runs back, and removing them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime_core.contracts import Artifact, Parameter, RunStatus
from runtime_core.errors import InvalidOption, MissingFile, NotWritten, UnknownName
from tesseract_runtime_file_log.pruning import age, remove, superfluous
from tesseract_runtime_file_log.reading import StoredRun, stored_run, stored_runs
from tests.file_log.conftest import Open, metric


def make(output_path: Path, name: str, *, days_ago: float = 0, **facts: Any) -> StoredRun:
    """Write the log of a run that has ended some days ago."""
    folder = output_path / name / "logs"
    folder.mkdir(parents=True)
    started = f"2026-01-{30 - int(days_ago):02}T00:00:00+00:00"
    known = {"id": name.removeprefix("run_"), "started": started, "status": "FINISHED", **facts}
    (folder / "run.json").write_text(json.dumps(known))
    long_ago = time.time() - days_ago * 86_400
    for path in (folder / "run.json", folder):
        os.utime(path, (long_ago, long_ago))
    return StoredRun(folder)


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
    parameter, found, artifact = stored.records
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
        make(tmp_path, name, days_ago=days_ago)
    assert [run.id for run in stored_runs(tmp_path)] == ["new", "middle", "old"]


def test_run_is_found_by_what_no_other_begins_with(tmp_path: Path) -> None:
    """A run is found by id, folder or prefix; an ambiguous prefix is refused."""
    for name in ("run_abc", "run_abd", "run_ab"):
        make(tmp_path, name)
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
    make(tmp_path, "run_b")
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
    assert make(tmp_path, "run_a", host=here, pid=os.getpid(), **facts).status == "RUNNING"
    assert make(tmp_path, "run_b", host=here, pid=1, **facts).status == "RUNNING"
    assert make(tmp_path, "run_c", host="elsewhere", pid=dead_process(), **facts).status == (
        "RUNNING"
    )
    assert make(tmp_path, "run_d", host=here, pid=dead_process(), **facts).status == "KILLED"
    assert make(tmp_path, "run_e", host=here, pid=dead_process()).status == "FINISHED"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7d", timedelta(days=7)),
        ("1.5h", timedelta(minutes=90)),
        (" 2w ", timedelta(days=14)),
        ("0s", timedelta()),
        ("3m", timedelta(minutes=3)),
    ],
)
def test_age(text: str, span: timedelta) -> None:
    """A number and a unit are a time span."""
    assert age(text) == span


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "-1d", "7 d", "1e3d", "nan", "٣d " * 9])
def test_no_age(text: str) -> None:
    """Anything else is an error with an example."""
    with pytest.raises(
        InvalidOption, match=r"is not a valid time span: write a number .* such as 7d"
    ):
        age(text)


def test_age_beyond_all_time() -> None:
    """A span beyond the range of dates is an error too."""
    with pytest.raises(InvalidOption, match="longer than time goes back"):
        age(f"{'9' * 30}d")


@pytest.mark.parametrize(
    ("keep", "older_than", "removed"),
    [
        (0, None, [1, 3, 5]),
        (1, None, [3, 5]),
        (9, None, []),
        (None, timedelta(days=2), [3, 5]),
        (2, timedelta(days=2), [5]),
        (2, timedelta(days=9), []),
    ],
)
def test_what_is_superfluous(
    tmp_path: Path, keep: int | None, older_than: timedelta | None, removed: list[int]
) -> None:
    """With both limits a run must be beyond both."""
    for days in (1, 3, 5):
        make(tmp_path, f"run_{days}", days_ago=days)
    chosen = superfluous(stored_runs(tmp_path), keep=keep, older_than=older_than)
    assert [run.id for run in chosen] == [str(days) for days in removed]


def test_run_that_goes_on_is_not_superfluous(tmp_path: Path) -> None:
    """A running call keeps its files; one of another machine that is silent for a day does not."""
    running: dict[str, Any] = {"status": "RUNNING", "host": "elsewhere", "pid": 1}
    make(tmp_path, "run_now", **running)
    make(tmp_path, "run_silent", days_ago=2, **running)
    chosen = superfluous(stored_runs(tmp_path), keep=0, older_than=None)
    assert [run.id for run in chosen] == ["silent"]


def test_run_is_removed_with_all_its_files(tmp_path: Path) -> None:
    """The folder of a server's run is removed with its results."""
    run = make(tmp_path, "run_a")
    (tmp_path / "run_a" / "result.bin").touch()
    make(tmp_path, "run_b")
    remove(run)
    assert [path.name for path in tmp_path.iterdir()] == ["run_b"]


def test_link_to_a_removed_log_is_removed(tmp_path: Path) -> None:
    """The link of the command line is removed with its run, and not with another one."""
    runs = {name: make(tmp_path, name) for name in ("run_a", "run_b")}
    link = tmp_path / "logs"
    link.symlink_to("run_b/logs")
    assert len(stored_runs(tmp_path)) == 2
    remove(runs["run_a"])
    assert link.exists()
    remove(runs["run_b"])
    assert not link.is_symlink()


def test_run_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    """A link in place of a run is not followed."""
    run = make(tmp_path / "elsewhere", "run_a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run_a").symlink_to(tmp_path / "elsewhere" / "run_a")
    [link] = stored_runs(tmp_path / "out")
    with pytest.raises(NotWritten, match=r"Cannot remove .*out/run_a'"):
        remove(link)
    assert run.folder.exists()
