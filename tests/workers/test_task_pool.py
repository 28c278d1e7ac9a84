"""The pool of processes that compute tasks."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from runtime_core.workers.task_pool import TaskPool
from tests.patience import wait_until


def test_the_next_task_waits_in_the_process(tmp_path: Path) -> None:
    """A process that has computed one begins it, and no thread drives the pool meanwhile."""
    with TaskPool(1, os.environ) as pool:
        for name in "ab":
            pool.submit(os.mkdir, str(tmp_path / name))
        wait_until(lambda: len([*tmp_path.iterdir()]) == 2)


def test_a_process_that_cannot_start_leaves_nothing_open() -> None:
    """Neither its output nor its socket, and the error is that of the system."""
    with TaskPool(1, {"INVALID": "\0"}) as pool:
        before = {*Path("/dev/fd").iterdir()}
        with pytest.raises(ValueError, match="null byte"):
            pool.submit(os.getpid)
        gc.collect()  # what other tests have left open may be closed at any time
        assert {*Path("/dev/fd").iterdir()} <= before
