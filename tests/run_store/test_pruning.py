"""Removing runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime_core.errors import InvalidOption, NotWritten
from runtime_core.run_logs import stored_runs
from tesseract_runtime_run_store.pruning import age, remove, superfluous
from tests.run_logs.recorded import stored_document


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
        stored_document(tmp_path, f"run_{days}", days_ago=days)
    chosen = superfluous(stored_runs(tmp_path), keep=keep, older_than=older_than)
    assert [run.id for run in chosen] == [str(days) for days in removed]


def test_run_that_goes_on_is_not_superfluous(tmp_path: Path) -> None:
    """A running call keeps its files; one of another machine that is silent for a day does not."""
    running: dict[str, Any] = {"status": "RUNNING", "host": "elsewhere", "pid": 1}
    stored_document(tmp_path, "run_now", **running)
    stored_document(tmp_path, "run_silent", days_ago=2, **running)
    chosen = superfluous(stored_runs(tmp_path), keep=0, older_than=None)
    assert [run.id for run in chosen] == ["silent"]


def test_run_is_removed_with_all_its_files(tmp_path: Path) -> None:
    """The folder of a server's run is removed with its results."""
    run = stored_document(tmp_path, "run_a")
    (tmp_path / "run_a" / "result.bin").touch()
    stored_document(tmp_path, "run_b")
    remove(run)
    assert [path.name for path in tmp_path.iterdir()] == ["run_b"]


def test_link_to_a_removed_log_is_removed(tmp_path: Path) -> None:
    """The link of the command line is removed with its run, and not with another one."""
    runs = {name: stored_document(tmp_path, name) for name in ("run_a", "run_b")}
    link = tmp_path / "logs"
    link.symlink_to("run_b/logs")
    assert len(stored_runs(tmp_path)) == 2
    remove(runs["run_a"])
    assert link.exists()
    remove(runs["run_b"])
    assert not link.is_symlink()


def test_run_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    """A link in place of a run is not followed."""
    run = stored_document(tmp_path / "elsewhere", "run_a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run_a").symlink_to(tmp_path / "elsewhere" / "run_a")
    [link] = stored_runs(tmp_path / "out")
    with pytest.raises(NotWritten, match=r"Cannot remove .*out/run_a'"):
        remove(link)
    assert run.folder.exists()
