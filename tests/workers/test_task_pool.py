"""The pool of processes that compute tasks."""

from __future__ import annotations

import gc
import os
import signal
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime_core.workers.framing import Message, Outgoing
from runtime_core.workers.task_pool import TaskPool
from tests.patience import wait_until


def test_the_next_task_waits_in_the_process(tmp_path: Path) -> None:
    """A process that has computed one begins it, and no thread drives the pool meanwhile."""
    with TaskPool(1, os.environ) as pool:
        for name in "ab":
            pool.submit(os.mkdir, str(tmp_path / name))
        wait_until(lambda: len([*tmp_path.iterdir()]) == 2)


def slept(mark: str) -> None:
    """Note that a task has begun, and let it take a minute."""
    Path(mark).touch()
    time.sleep(60)


def test_interrupt_ends_what_is_computed(tmp_path: Path) -> None:
    """Tasks after Ctrl-C have their own results, and wait for none of those before it."""
    mark = tmp_path / "mark"

    def interrupt() -> None:
        wait_until(mark.exists)
        os.kill(os.getpid(), signal.SIGINT)

    with TaskPool(1, os.environ) as pool, ThreadPoolExecutor(1) as thread:
        before = pool.submit(os.getpid).result()
        pending = [pool.submit(slept, str(mark)), *(pool.submit(os.getppid) for _ in range(3))]
        thread.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            pending[0].result()
        assert all(isinstance(each.exception(), BrokenExecutor) for each in pending)
        assert pool.submit(os.getpid).result() != before


def test_interrupt_while_a_task_is_sent_mixes_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that was sent when Ctrl-C came is not answered in the place of another one."""
    with TaskPool(1, os.environ) as pool:
        before = pool.submit(os.getpid).result()

        def interrupted(outgoing: Outgoing, message: Message) -> None:
            monkeypatch.undo()
            outgoing.send(message)
            raise KeyboardInterrupt

        monkeypatch.setattr(Outgoing, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.submit(abs, -1)
        assert pool.submit(os.getpid).result() not in (1, before)


def test_a_process_that_cannot_start_leaves_nothing_open() -> None:
    """Neither its output nor its socket, and the error is that of the system."""
    with TaskPool(1, {"INVALID": "\0"}) as pool:
        before = {*Path("/dev/fd").iterdir()}
        with pytest.raises(ValueError, match="null byte"):
            pool.submit(os.getpid)
        gc.collect()  # what other tests have left open may be closed at any time
        assert {*Path("/dev/fd").iterdir()} <= before
