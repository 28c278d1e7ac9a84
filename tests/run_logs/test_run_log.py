"""The log of one run, in the process that computes it."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.catalog import install_command
from runtime_core.contracts import Artifact, Metric, Parameter, Record, Run, RunStatus
from runtime_core.errors import RunNotLogged
from tests.run_logs.conftest import OpenLog, Sink


class Upstream:
    """Remembers what is forwarded to a supervisor."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def opened(self, run: Run) -> None:
        """Remember a run."""
        self.calls.append(run.id)

    def take(self, run: Run, record: Record) -> None:
        """Remember a record."""
        self.calls.append(record)


class Keeper(Sink):
    """A sink that says that it has copies of artifacts."""

    def stored(self, artifact: Artifact) -> Artifact:
        """Return the artifact with the path of its copy."""
        return Artifact(path=Path("/kept") / artifact.name, name=artifact.name)


def test_nothing_is_opened_before_something_is_logged(open_log: OpenLog, run: Run) -> None:
    """A run that logs nothing opens no sink, reports nothing and makes no folder."""
    sink, upstream = Sink(), Upstream()
    open_log(sink.declared(local=True), upstream=upstream).close(RunStatus.FINISHED)
    assert (sink.calls, upstream.calls) == ([], [])
    assert not run.folder.exists()


def test_missing_sink_is_told_once(open_log: OpenLog, caplog: pytest.LogCaptureFixture) -> None:
    """A call that logs while no sink is installed warns, once, with what to install."""
    log = open_log()
    assert caplog.messages == []
    log.parameter("size", 3)
    log.metric("loss", 0.5, step=None)
    assert caplog.messages == [
        "Run fit-7 is not logged, because no run sink is installed. "
        f"Install one with: {install_command('tesseract-runtime-file-log')}"
    ]


@pytest.mark.parametrize("status", RunStatus)
def test_local_sinks_have_it_at_once(open_log: OpenLog, status: RunStatus) -> None:
    """A local sink is opened by the first record, written by each, and closed with the status."""
    sink = Sink()
    log = open_log(sink.declared(local=True))
    log.parameter("size", 3)
    assert sink.calls == [("open", "fit-7"), Parameter(key="size", value=3)]
    log.close(status)
    assert sink.calls[2:] == [status]


def test_every_local_sink_has_everything(open_log: OpenLog) -> None:
    """Several sinks get the same records."""
    first, second = Sink(), Sink()
    log = open_log(first.declared(local=True), second.declared(name="other", local=True))
    log.parameter("size", 3)
    log.close(RunStatus.FINISHED)
    assert first.calls == second.calls
    assert len(first.calls) == 3


def test_distant_sinks_are_left_to_the_supervisor(open_log: OpenLog) -> None:
    """The process that computes never opens a sink that is not local."""
    sink, upstream = Sink(), Upstream()
    log = open_log(sink.declared(), upstream=upstream)
    log.parameter("size", 3)
    log.close(RunStatus.FINISHED)
    assert sink.calls == []
    assert upstream.calls == ["fit-7", Parameter(key="size", value=3)]


def test_supervisor_without_distant_sinks_hears_of_the_run_alone(open_log: OpenLog) -> None:
    """Records are not forwarded without distant sinks."""
    upstream = Upstream()
    open_log(Sink().declared(local=True), upstream=upstream).parameter("size", 3)
    assert upstream.calls == ["fit-7"]


def test_artifacts_are_passed_on_as_they_are_kept(open_log: OpenLog, tmp_path: Path) -> None:
    """A distant sink reads the copy, for user code may remove its own file."""
    upstream = Upstream()
    keeper = Keeper().declared(local=True, default=True)
    log = open_log(keeper, Sink().declared(name="far"), upstream=upstream)
    (tmp_path / "a.txt").touch()
    log.artifact(tmp_path / "a.txt")
    assert upstream.calls[1:] == [Artifact(path=Path("/kept/a.txt"), name="a.txt")]


def steps(sink: Sink) -> list[tuple[str, int]]:
    """Return the keys and steps of the metrics."""
    return [(r.key, r.step) for r in sink.records if isinstance(r, Metric)]


def test_steps_are_counted_for_each_key(open_log: OpenLog) -> None:
    """Without a step the values of each key are counted from 0."""
    sink = Sink()
    log = open_log(sink.declared(local=True))
    for key in ("a", "b", "a", "a"):
        log.metric(key, 1, None)
    assert steps(sink) == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]


def test_given_steps_are_kept(open_log: OpenLog) -> None:
    """A step may be any whole number, numpy's and negative ones too."""
    sink = Sink()
    log = open_log(sink.declared(local=True))
    given: Sequence[Any] = (10, np.int64(3), -1, 2**63 - 1)
    for step in given:
        log.metric("a", 1, step)
    assert steps(sink) == [("a", 10), ("a", 3), ("a", -1), ("a", 2**63 - 1)]


@pytest.mark.parametrize("step", ["x", math.nan, 1.5, 2**63])
def test_step_that_is_no_whole_number_is_told(open_log: OpenLog, step: Any) -> None:
    """A wrong step is an error that names key and step, and is not rounded."""
    with pytest.raises(TypeError, match="log_metric: the step of 'loss' must be"):
        open_log(Sink().declared(local=True)).metric("loss", 1.0, step)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, 3, np.float16(1.5)])
def test_values_are_numbers_of_any_kind(open_log: OpenLog, value: Any) -> None:
    """Any value that `float` accepts is a metric, also a non-finite one."""
    sink = Sink()
    open_log(sink.declared(local=True)).metric("loss", value, None)
    [metric] = sink.records
    assert isinstance(metric, Metric)
    assert type(metric.value) is float
    assert np.array_equal(metric.value, float(value), equal_nan=True)
    assert abs(metric.timestamp - time.time()) < 60


@pytest.mark.parametrize("value", ["many", None, 1j, [1, 2], np.ones(2), 10**400])
def test_value_that_is_no_number_is_told(open_log: OpenLog, value: Any) -> None:
    """Any other value is an error that names key and value, and opens nothing."""
    sink = Sink()
    with pytest.raises(TypeError, match="log_metric: the value of 'loss' must be a number, not "):
        open_log(sink.declared(local=True)).metric("loss", value, None)
    assert sink.calls == []


def test_missing_artifact_is_named(open_log: OpenLog, tmp_path: Path) -> None:
    """A missing artifact is an error that names it, and opens nothing."""
    sink = Sink()
    with pytest.raises(FileNotFoundError) as caught:
        open_log(sink.declared(local=True)).artifact(tmp_path / "plot.svg")
    assert str(caught.value) == (
        f"log_artifact: {str(tmp_path / 'plot.svg')!r} is not a file or folder."
    )
    assert sink.calls == []


@pytest.mark.parametrize("special", ["fifo", "dangling", "/dev/zero"])
def test_what_is_neither_file_nor_folder_is_missing(
    open_log: OpenLog, tmp_path: Path, special: str
) -> None:
    """Pipes, devices and links to nothing are no artifacts: reading some of them would not end."""
    path = tmp_path / special
    if special == "fifo":
        os.mkfifo(path)
    elif special == "dangling":
        path.symlink_to(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=special):
        open_log(Sink().declared(local=True)).artifact(path)


def test_empty_path_is_no_artifact(open_log: OpenLog) -> None:
    """A forgotten name does not log the whole working directory."""
    with pytest.raises(FileNotFoundError, match="''"):
        open_log(Sink().declared(local=True)).artifact("")


@pytest.mark.parametrize("when", ["open", "write"])
def test_failing_sink_does_not_fail_the_computation(
    open_log: OpenLog, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """Only the first failure of a sink is reported, with its plugin and version."""
    broken, whole = Sink(fails=when), Sink()
    log = open_log(
        broken.declared(name="broken", local=True), whole.declared(name="whole", local=True)
    )
    for size in range(3):
        log.parameter("size", size)
    log.close(RunStatus.FINISHED)
    assert len(whole.records) == 3
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "Run fit-7 cannot be logged to broken:there (of-tests 7): ConnectionError: connection "
            "refused. Something is missing there.",
        )
    ]


def test_sink_that_fails_at_the_end_is_told(
    open_log: OpenLog, caplog: pytest.LogCaptureFixture
) -> None:
    """A sink that cannot close a run does not keep the others from it."""
    broken, whole = Sink(fails="close"), Sink()
    log = open_log(
        broken.declared(name="broken", local=True), whole.declared(name="whole", local=True)
    )
    log.parameter("size", 3)
    log.close(RunStatus.FINISHED)
    assert whole.calls[-1] == RunStatus.FINISHED
    assert "broken:there (of-tests 7): ConnectionError" in caplog.text


@pytest.mark.parametrize("when", ["open", "write"])
def test_strict_turns_that_round(open_log: OpenLog, when: str) -> None:
    """With `--log-to-strict` the log function raises the error of the sink."""
    log = open_log(Sink(fails=when).declared(name="broken", local=True), log_to_strict=True)
    with pytest.raises(RunNotLogged, match=r"^Run fit-7 cannot be logged to broken:there \(of-te"):
        log.parameter("size", 3)


def test_strict_closes_the_other_sinks_all_the_same(open_log: OpenLog) -> None:
    """A sink that cannot close a run does not leave it open in the others."""
    broken, whole = Sink(fails="close"), Sink()
    log = open_log(
        broken.declared(name="broken", local=True),
        whole.declared(name="whole", local=True),
        log_to_strict=True,
    )
    log.parameter("size", 3)
    with pytest.raises(RunNotLogged):
        log.close(RunStatus.FINISHED)
    assert whole.calls[-1] == RunStatus.FINISHED


def test_failure_of_the_way_up_does_not_fail_the_computation(
    open_log: OpenLog, caplog: pytest.LogCaptureFixture
) -> None:
    """A full temporary folder, through which records go to the supervisor, is a failing sink."""

    class Full(Upstream):
        def take(self, run: Run, record: Record) -> None:
            raise OSError(28, "No space left on device")

    open_log(Sink().declared(), upstream=Full()).parameter("size", 3)
    assert "No space left on device" in caplog.text


def test_threads_share_a_run(open_log: OpenLog) -> None:
    """Many threads may log at once: every value is there, with a step of its own."""
    sink = Sink()
    log = open_log(sink.declared(local=True))

    def work() -> None:
        for _ in range(200):
            log.metric("loss", 1, None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [step for _, step in steps(sink)] == list(range(800))
    assert sink.calls.count(("open", "fit-7")) == 1


def test_signal_handler_may_log(open_log: OpenLog) -> None:
    """Handlers of signals may log while something is logged, without a deadlock."""

    class Interrupted(Sink):
        def write(self, records: Sequence[Record]) -> None:
            super().write(records)
            if len(self.records) == 1:
                log.parameter("inner", 1)

    sink = Interrupted()
    log = open_log(sink.declared(local=True))
    thread = threading.Thread(target=log.parameter, args=("outer", 1), daemon=True)
    thread.start()
    thread.join(0.5)
    assert not thread.is_alive()
    assert sink.records == [Parameter(key="outer", value=1), Parameter(key="inner", value=1)]


def test_run_is_made_for_the_first_record(open_log: OpenLog) -> None:
    """A call that logs nothing needs neither the id nor the folder of its run."""
    made: list[Run] = []
    sink = Sink()
    kept = open_log(sink.declared(local=True))

    def make() -> Run:
        made.append(kept.run)
        return kept.run

    silent = open_log(sink.declared(local=True), run=make)
    silent.close(RunStatus.FINISHED)
    assert (made, sink.calls) == ([], [])
    log = open_log(sink.declared(local=True), run=make)
    log.parameter("size", 3)
    log.parameter("size", 4)
    assert made == [kept.run]
