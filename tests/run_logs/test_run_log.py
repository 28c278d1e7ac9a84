"""The log of one run, in the process that computes it."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.contracts import Parameter, Run, RunStatus
from runtime_core.errors import RunNotLogged
from runtime_core.run_logs import RunLog, StoredRun
from runtime_core.run_logs.run_follower import RunFollower
from runtime_core.run_logs.run_record import RunRecord
from tests.patience import patient


def test_nothing_is_made_before_something_is_logged(log: RunLog, run: Run) -> None:
    """A run that logs nothing makes no folder."""
    log.close(RunStatus.FINISHED)
    assert not log.has_files
    assert not run.folder.exists()


@pytest.mark.parametrize("status", RunStatus)
def test_files_have_it_at_once(log: RunLog, logged: StoredRun, status: RunStatus) -> None:
    """A record is in its file when the log function returns, and the status at the end."""
    log.parameter("size", 3)
    assert (logged.parameters, logged.status) == ({"size": 3}, "RUNNING")
    log.close(status)
    assert StoredRun(logged.folder).status == status


def steps(logged: StoredRun) -> list[tuple[str, int]]:
    """Return the keys and steps of the metrics."""
    return [(metric.key, metric.step) for metric in logged.metrics]


def test_steps_are_counted_for_each_key(log: RunLog, logged: StoredRun) -> None:
    """Without a step the values of each key are counted from 0."""
    for key in ("a", "b", "a", "a"):
        log.metric(key, 1, None)
    assert steps(logged) == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]


def test_given_steps_are_kept(log: RunLog, logged: StoredRun) -> None:
    """A step may be any whole number, numpy's and negative ones too."""
    given: Sequence[Any] = (10, np.int64(3), -1, 2**63 - 1)
    for step in given:
        log.metric("a", 1, step)
    assert steps(logged) == [("a", 10), ("a", 3), ("a", -1), ("a", 2**63 - 1)]


@pytest.mark.parametrize("step", ["x", math.nan, 1.5, 2**63])
def test_step_that_is_no_whole_number_is_told(log: RunLog, step: Any) -> None:
    """A wrong step is an error that names key and step, and is not rounded."""
    with pytest.raises(TypeError, match="log_metric: the step of 'loss' must be"):
        log.metric("loss", 1.0, step)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, 3, np.float16(1.5)])
def test_values_are_numbers_of_any_kind(log: RunLog, logged: StoredRun, value: Any) -> None:
    """Any value that `float` accepts is a metric, also a non-finite one."""
    log.metric("loss", value, None)
    [metric] = logged.metrics
    assert type(metric.value) is float
    assert np.array_equal(metric.value, float(value), equal_nan=True)
    assert abs(metric.timestamp - time.time()) < 60


@pytest.mark.parametrize("value", ["many", None, 1j, [1, 2], np.ones(2), 10**400])
def test_value_that_is_no_number_is_told(log: RunLog, value: Any) -> None:
    """Any other value is an error that names key and value, and opens nothing."""
    with pytest.raises(TypeError, match="log_metric: the value of 'loss' must be a number, not "):
        log.metric("loss", value, None)
    assert not log.has_files


def test_missing_artifact_is_named(log: RunLog, tmp_path: Path) -> None:
    """A missing artifact is an error that names it, and opens nothing."""
    with pytest.raises(FileNotFoundError) as caught:
        log.artifact(tmp_path / "plot.svg")
    assert str(caught.value) == (
        f"log_artifact: {str(tmp_path / 'plot.svg')!r} is not a file or folder."
    )
    assert not log.has_files


@pytest.mark.parametrize("special", ["fifo", "dangling", "/dev/zero"])
def test_what_is_neither_file_nor_folder_is_missing(
    log: RunLog, tmp_path: Path, special: str
) -> None:
    """Pipes, devices and links to nothing are no artifacts: reading some of them would not end."""
    path = tmp_path / special
    if special == "fifo":
        os.mkfifo(path)
    elif special == "dangling":
        path.symlink_to(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=special):
        log.artifact(path)


def test_empty_path_is_no_artifact(log: RunLog) -> None:
    """A forgotten name does not log the whole working directory."""
    with pytest.raises(FileNotFoundError, match="''"):
        log.artifact("")


def test_unwritable_folder_does_not_fail_the_computation(
    log: RunLog, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the first failure is reported, and a folder that becomes writable is used."""
    run.folder.touch()
    for size in range(3):
        log.parameter("size", size)
    run.folder.unlink()
    log.parameter("size", 3)
    assert StoredRun(run.log_folder).parameters == {"size": 3}
    [message] = caplog.messages
    assert message.startswith("Run fit-7 cannot be logged: ")
    assert message.endswith(". Something is missing in its folder.")


def test_strict_turns_that_round(run: Run) -> None:
    """With `--log-to-strict` the log function and the end of the run raise the error."""
    run.folder.touch()
    log = RunLog(run, strict=True)
    with pytest.raises(RunNotLogged, match=r"^Run fit-7 cannot be logged: "):
        log.parameter("size", 3)
    with pytest.raises(RunNotLogged, match=r"^Run fit-7 cannot be logged: "):
        log.close(RunStatus.FINISHED)


def test_threads_share_a_run(log: RunLog, logged: StoredRun) -> None:
    """Many threads may log at once: every value is there, with a step of its own."""

    def work() -> None:
        for _ in range(200):
            log.metric("loss", 1, None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [step for _, step in steps(logged)] == list(range(800))


def test_signal_handler_may_log(
    log: RunLog, logged: StoredRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handlers of signals may log while something is logged, without a deadlock."""
    write = RunRecord.write

    def interrupted(record: RunRecord, logged: Parameter) -> None:
        write(record, logged)
        if logged.key == "outer":
            log.parameter("inner", 1)

    monkeypatch.setattr(RunRecord, "write", interrupted)
    thread = threading.Thread(target=log.parameter, args=("outer", 1), daemon=True)
    thread.start()
    thread.join(patient(5))
    assert not thread.is_alive()
    assert logged.parameters == {"outer": 1, "inner": 1}


def test_run_is_made_for_the_first_record(run: Run) -> None:
    """A call that logs nothing needs neither the id nor the folder of its run."""
    made: list[Run] = []

    def make() -> Run:
        made.append(run)
        return run

    RunLog(make).close(RunStatus.FINISHED)
    assert made == []
    log = RunLog(make)
    log.parameter("size", 3)
    log.parameter("size", 4)
    assert made == [run]


def test_ten_thousand_metrics_cost_little(log: RunLog, logged: StoredRun) -> None:
    """The last thousand costs what the first does, and a follower reads each once."""
    for value in range(10_000):
        log.metric("loss", value, None)
    follower = RunFollower(logged.folder)
    assert [metric.step for metric in follower.metrics()] == [*range(10_000)]
    assert [*follower.metrics()] == []
