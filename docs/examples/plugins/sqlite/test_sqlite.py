"""The sink stores every record, and a run can be found by a question in SQL."""

import json
import sqlite3
from collections import defaultdict

import pytest

from runtime_core.testing import LoggedRun, RunSinkConformance


class TestSqlite(RunSinkConformance):
    sink = "sqlite"

    @pytest.fixture
    def target(self, tmp_path):
        return f"sqlite:{tmp_path / 'runs.db'}"

    def read(self, run, target):
        with sqlite3.connect(target.partition(":")[2]) as database:
            ask = lambda what: database.execute(what, (run.id,)).fetchall()  # noqa: E731
            metrics = defaultdict(list)
            for key, step, value in ask("SELECT key, step, value FROM metrics WHERE run = ?"):
                metrics[key].append((step, value))
            [(status,)] = ask("SELECT status FROM runs WHERE id = ?")
            return LoggedRun(
                parameters={
                    key: json.loads(value)
                    for key, value in ask("SELECT key, value FROM parameters WHERE run = ?")
                },
                metrics=metrics,
                artifacts=None,  # their paths are stored, not their contents
                status=status,
            )


def test_target_that_is_no_database_is_refused_at_start(cli_here, tesseract, tmp_path):
    (tmp_path / "notes.txt").write_text("This is not a database, but a text of some length.")
    options = ("--api-path", str(tesseract()), "--log-to", "sqlite:notes.txt")
    done = cli_here(*options, "apply", '{"inputs": {"x": [1]}}')
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
