"""Runs in a database of SQLite, for questions in SQL: `--log-to sqlite:runs.db`."""

import json
import sqlite3
import time
from contextlib import closing

from runtime_core.contracts import Artifact, Metric, Parameter, RunSink
from runtime_core.errors import InvalidOption
from runtime_core.hookspecs import hookimpl

TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, endpoint TEXT, parent TEXT, name TEXT, version TEXT, digest TEXT,
    versions TEXT, began REAL, status TEXT
);
CREATE TABLE IF NOT EXISTS parameters (run TEXT, key TEXT, value TEXT);
CREATE TABLE IF NOT EXISTS metrics (run TEXT, key TEXT, value REAL, step INTEGER, time REAL);
CREATE TABLE IF NOT EXISTS artifacts (run TEXT, name TEXT, path TEXT);
"""
WAIT = 30.0
"""Seconds to wait for another process that writes to the database."""


class SqliteRun:
    """Adds the records of one run, each call of `write` in one transaction."""

    def __init__(self, run, target, config):
        self._path, self._run = path_of(target), run.id
        facts = (run.id, run.endpoint, run.parent_id, run.name, run.version, run.digest)
        with closing(self._connection()) as database:
            database.executescript(TABLES)
            with database:
                database.execute(
                    "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                    (*facts, json.dumps(dict(run.versions)), time.time()),
                )

    def write(self, records):
        with closing(self._connection()) as database, database:
            for record in records:
                table, *values = ROWS[type(record)](record)
                marks = ", ".join("?" * (len(values) + 1))
                database.execute(f"INSERT INTO {table} VALUES ({marks})", (self._run, *values))

    def close(self, status):
        with closing(self._connection()) as database, database:
            database.execute("UPDATE runs SET status = ? WHERE id = ?", (str(status), self._run))

    def _connection(self):
        return sqlite3.connect(self._path, timeout=WAIT)


ROWS = {
    Parameter: lambda each: ("parameters", each.key, json.dumps(each.value)),
    Metric: lambda each: ("metrics", each.key, each.value, each.step, each.timestamp),
    Artifact: lambda each: ("artifacts", each.name, str(each.path.absolute())),
}


def path_of(target):
    return target.partition(":")[2]


def check(target, config):
    """Refuse a target without a file, or with a file of another kind."""
    if not path_of(target):
        raise InvalidOption(f"--log-to {target!r} names no file. Write sqlite:runs.db.")
    try:
        with closing(sqlite3.connect(path_of(target), timeout=WAIT)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise InvalidOption(f"--log-to {target!r} cannot be opened: {error}.") from None


@hookimpl
def run_sinks():
    yield RunSink(
        name="sqlite",
        summary="A database of SQLite.",
        schemes=("sqlite",),
        open=SqliteRun,
        check=check,
    )
