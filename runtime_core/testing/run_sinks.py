"""The conformance suite of run sinks."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Artifact, Parameter, Run, RunSink, RunStatus
from runtime_core.run_logs import configured_targets
from runtime_core.testing.logged_runs import (
    MANY,
    PARAMETERS,
    SECONDS,
    STRANGE_KEYS,
    LoggedRun,
    Open,
    OpenRun,
    artifact,
    called,
    check_metrics,
    kept,
    metric,
    new_run,
    same,
)


class RunSinkConformance:
    """Tests that a sink stores what is logged, in order, by run, and does no harm.

    A subclass names the sink, which must be installed, gives a target, and reads what is stored
    there. `unreachable` is a target that does not answer, for sinks behind a network.

    Example:
        ```python
        class TestLines(RunSinkConformance):
            sink = "lines"

            @pytest.fixture
            def target(self) -> str:
                return "lines:log.txt"

            def read(self, run: Run, target: str) -> LoggedRun:
                return LoggedRun(...)
        ```
    """

    sink: ClassVar[str]
    unreachable: ClassVar[str | None] = None

    @pytest.fixture
    def target(self) -> str:
        """Return the value of `--log-to`."""
        raise NotImplementedError("A subclass gives a target.")

    def read(self, run: Run, target: str) -> LoggedRun:
        """Return the records of a run in the sink."""
        raise NotImplementedError("A subclass reads what its sink has written.")

    @pytest.fixture
    def declaration(self, catalog: Catalog) -> RunSink:
        """Return the declaration of the sink."""
        return catalog.run_sinks.find(self.sink)

    @pytest.fixture
    def opened(self, catalog: Catalog, declaration: RunSink, target: str, tmp_path: Path) -> Open:
        """Return a function that opens a new run, or a given one again."""
        config = resolve(catalog, flags={"log_to": target}, environment={})

        def open_run(run: Run | None = None) -> OpenRun:
            run = run or new_run(tmp_path)
            handle = declaration.open(run=run, target=target, config=config)
            return OpenRun(run=run, handle=handle, read=lambda: self.read(run, target))

        return open_run

    @pytest.fixture
    def here(self, opened: Open) -> OpenRun:
        """Return a new run."""
        return opened()

    def test_target_is_found(self, catalog: Catalog, target: str) -> None:
        """`--log-to` finds the sink by its scheme, and the sink accepts the target."""
        config = resolve(catalog, flags={"log_to": target}, environment={})
        found = [t for t in configured_targets(catalog, config) if t.sink.value.name == self.sink]
        assert [t.target for t in found] == [target]

    def test_parameters_come_back(self, here: OpenRun) -> None:
        """Values of all kinds are stored, unchanged or as text."""
        here.write(*(Parameter(key=key, value=value) for key, value in PARAMETERS.items()))
        found = kept(here.end().parameters)
        assert set(found) == set(PARAMETERS)
        assert [key for key, value in PARAMETERS.items() if not same(value, found[key])] == []

    def test_parameters_may_be_logged_again(self, here: OpenRun) -> None:
        """A parameter that is logged twice has one of its values, and the others stay."""
        here.write(Parameter(key="rate", value=1), Parameter(key="rate", value=1))
        here.write(Parameter(key="rate", value=2))
        here.write(Parameter(key="size", value=3))
        found = kept(here.end().parameters)
        assert same(1, found["rate"]) or same(2, found["rate"])
        assert same(3, found["size"])

    def test_metrics_come_back(self, here: OpenRun) -> None:
        """Metrics have their steps and values, in the order in which they were logged."""
        here.write(metric("loss", 4.0, 0), metric("error", 1e-9, 10), metric("loss", 2.0, 1))
        here.write(metric("loss", -0.125, 5), metric("error", 1e12, 20))
        check_metrics(
            here.end().metrics,
            {"loss": [(0, 4.0), (1, 2.0), (5, -0.125)], "error": [(10, 1e-9), (20, 1e12)]},
        )

    def test_many_metrics_come_back(self, here: OpenRun) -> None:
        """A batch may have thousands of records, and a run many batches."""
        values = [float(step) for step in range(MANY)]
        here.metrics(*values, key="at_once")
        for step in range(0, 100, 10):
            here.write(*(metric("bit_by_bit", float(s), s) for s in range(step, step + 10)))
        expected = {"at_once": values, "bit_by_bit": values[:100]}
        found = here.end().metrics
        check_metrics(found, {key: list(enumerate(part)) for key, part in expected.items()})

    def test_numbers_that_are_none_do_no_harm(self, here: OpenRun) -> None:
        """NaN and infinities, which diverging code logs, do not affect other values."""
        here.metrics(1.0, math.nan, math.inf, -math.inf, 2.0)
        found = dict(kept(here.end(RunStatus.FAILED).metrics)["loss"])
        assert (found[0], found[4]) == (1.0, 2.0)

    def test_strange_keys_are_kept(self, here: OpenRun, tmp_path: Path) -> None:
        """No value is lost whatever its key, and no file is written where a key points to."""
        keys = (*STRANGE_KEYS, str(tmp_path / "elsewhere"))
        around = set(tmp_path.parent.iterdir())
        here.write(*(metric(key, float(number)) for number, key in enumerate(keys)))
        here.write(*(Parameter(key=key, value=number) for number, key in enumerate(keys)))
        found = kept(here.end().metrics)
        values = sorted(value for history in found.values() for _, value in history)
        assert values == [float(number) for number in range(len(keys))]
        assert not list(tmp_path.glob("elsewhere*"))
        assert set(tmp_path.parent.iterdir()) == around

    def test_files_come_back(self, here: OpenRun, tmp_path: Path) -> None:
        """The bytes of a file are stored under its name."""
        files = {"plot.bin": bytes(range(256)) * 5_000, "empty.txt": b"", "ä b.txt": b"name"}
        for name, content in files.items():
            here.write(artifact(tmp_path / name, content))
        assert kept(here.end().artifacts) == files

    def test_folders_come_back(self, here: OpenRun, tmp_path: Path) -> None:
        """A folder is stored with all files in it, at any depth."""
        files = {"mesh/a.txt": b"a", "mesh/deep/er/b.txt": b"b"}
        for name, content in files.items():
            artifact(tmp_path / name, content)
        here.write(Artifact(path=tmp_path / "mesh", name="mesh"))
        assert kept(here.end().artifacts) == files

    def test_files_may_be_logged_again(self, here: OpenRun, tmp_path: Path) -> None:
        """A file that has changed replaces its earlier version."""
        here.write(artifact(tmp_path / "plot.txt", b"first"))
        here.write(artifact(tmp_path / "plot.txt", b"second"))
        assert kept(here.end().artifacts) == {"plot.txt": b"second"}

    @pytest.mark.parametrize("status", RunStatus)
    def test_status_is_kept(self, here: OpenRun, status: RunStatus) -> None:
        """A run has the status of its call."""
        here.metrics(1.0)
        assert kept(here.end(status).status) == status

    def test_empty_runs_can_be_closed(self, opened: Open) -> None:
        """A run without records ends like any other."""
        opened().handle.close(RunStatus.KILLED)
        here = opened()
        here.write()
        here.handle.close(RunStatus.FINISHED)

    def test_runs_do_not_mix(self, opened: Open) -> None:
        """Runs that are open at the same time, in different threads, have their own records."""
        runs = [opened() for _ in range(4)]

        def log(number: int) -> None:
            for step in range(20):
                runs[number].write(metric("loss", float(number), step))
                runs[number].write(Parameter(key=f"of_{number}_at_{step}", value=step))
            runs[number].handle.close(RunStatus.FINISHED)

        with ThreadPoolExecutor(len(runs)) as threads:
            list(threads.map(log, range(len(runs))))
        for number, here in enumerate(runs):
            found = here.read()
            check_metrics(found.metrics, {"loss": [(step, float(number)) for step in range(20)]})
            if found.parameters is not None:
                assert set(found.parameters) == {f"of_{number}_at_{step}" for step in range(20)}

    def test_threads_may_change(self, opened: Open) -> None:
        """One thread may open a run, another write to it, and a third close it."""
        # All three live until the end: a new thread may get the identity of one that has ended.
        with (
            ThreadPoolExecutor(1) as one,
            ThreadPoolExecutor(1) as two,
            ThreadPoolExecutor(1) as three,
        ):
            here = one.submit(opened).result()
            two.submit(here.metrics, 1.0).result()
            three.submit(here.handle.close, RunStatus.FINISHED).result()
        check_metrics(here.read().metrics, {"loss": [(0, 1.0)]})

    def test_nothing_is_printed(
        self, here: OpenRun, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Stdout is the place of results."""
        here.metrics(1.0)
        here.write(Parameter(key="rate", value=1), artifact(tmp_path / "plot.txt", b"plot"))
        here.handle.close(RunStatus.FINISHED)
        assert capfd.readouterr().out == ""

    def test_what_does_not_answer_is_given_up(
        self, declaration: RunSink, catalog: Catalog, tmp_path: Path
    ) -> None:
        """A target that does not answer gives an error with a message, before long."""
        if self.unreachable is None:
            pytest.skip("the sink is always reachable")
        config = resolve(catalog, flags={}, environment={})
        start = time.monotonic()
        with pytest.raises(Exception) as caught:  # noqa: PT011  # a sink may raise anything
            declaration.open(run=new_run(tmp_path), target=self.unreachable, config=config).write(
                [metric("loss", 1.0)]
            )
        assert time.monotonic() - start < SECONDS
        assert str(caught.value).strip()

    @pytest.mark.parametrize("fails", [False, True])
    def test_calls_are_logged(
        self, catalog: Catalog, target: str, tmp_path: Path, fails: bool
    ) -> None:
        """Records of user code arrive, and the run ends with the status of the call."""
        run, reply = called(catalog, target, tmp_path, {"fails": fails})
        assert (reply.fault is not None) == fails
        found = self.read(run, target)
        check_metrics(found.metrics, {"loss": [(0, 4.0), (1, 2.0), (2, 1.0)]})
        assert found.parameters is None or same(3, found.parameters["size"])
        assert found.artifacts in (None, {"plot.txt": b"plot"})
        assert found.status in (None, RunStatus.FAILED if fails else RunStatus.FINISHED)
