"""Tables after kills of the command and of processes that compute for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.ensemble.conftest import rows_of
from tests.ensemble.killing import KILLED, computed_with_kills

NUMBER = 300


def test_rows_in_lines_survive_kills(tesseract: Callable[..., Path], tmp_path: Path) -> None:
    """Each index has one row, and only what was being computed is computed again."""
    kills = (50, 150, 299)
    path = tesseract(KILLED)
    sweep = ("sweep", f"n=arange({NUMBER})", f'marks=["{tmp_path}"]', "-o", "o.jsonl")
    starts = computed_with_kills(tmp_path, path, *sweep, command=kills)
    assert starts == 4
    rows = rows_of(tmp_path / "o.jsonl")
    assert [row["index"] for row in rows] == [*range(NUMBER)]
    assert [row["outputs"]["y"]["data"]["buffer"] for row in rows] == [
        [n, n / 3] for n in range(NUMBER)
    ]
    assert len({row["run_id"] for row in rows}) == NUMBER
    begun = [*map(int, (tmp_path / "begun").read_text().split())]
    assert sorted(begun) == sorted([*range(NUMBER), *kills])


def test_rows_in_parquet_survive_kills_of_processes(
    tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """A lost process costs nothing, a lost command what was pending."""
    pq = pytest.importorskip("pyarrow.parquet")
    sweep = ("sweep", f"n=arange({NUMBER})", f'marks=["{tmp_path}"]', "-o", "o.parquet")
    path, executor = tesseract(KILLED), ("--executor", "processes:2")
    computed_with_kills(tmp_path, path, *executor, *sweep, command=[100], worker=[40, 200])
    table = pq.read_table(tmp_path / "o.parquet").to_pydict()
    assert table["index"] == [*range(NUMBER)]
    assert table["outputs.y"] == [[n, n / 3] for n in range(NUMBER)]


DEATH = "    if inputs.n == 1: print('bye', flush=True); kill(os.getpid())\n"
FATAL = KILLED.replace("    marks = ", DEATH + "    marks = ")


def test_an_input_that_kills_processes_is_a_failed_row(
    cli_here: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """The others are computed, and what it has printed is in the log of its run."""
    arguments = ("--api-path", str(tesseract(FATAL)), "--executor", "processes:2", "sweep")
    done = cli_here(*arguments, "n=arange(4)", f'marks=["{tmp_path}"]', "-o", "o.jsonl")
    assert done.returncode == 1
    rows = rows_of(tmp_path / "o.jsonl")
    assert [row["status"] for row in rows] == ["finished", "failed", "finished", "finished"]
    assert "2 processes of processes:2 (" in rows[1]["error"]
    log = tmp_path / f"run_{rows[1]['run_id']}" / "logs" / "tesseract.log"
    assert log.read_text().startswith("bye\n2 processes of processes:2 (")
    assert not list(tmp_path.glob(".run_*"))
