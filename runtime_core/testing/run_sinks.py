"""What every run sink must do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Artifact, Parameter, Run, RunSink, RunStatus, StoringRunHandle
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.run_logs import configured_targets
from runtime_core.testing.logged_runs import (
    MANY,
    PARAMETERS,
    SECONDS,
    STRANGE_KEYS,
    LoggedRun,
    OpenRun,
    artifact,
    called,
    check_metrics,
    kept,
    metric,
    new_run,
    only_if,
    same,
)


class RunSinkConformance:
    """Tests that a sink keeps what is logged, in order, by run, and does no harm.

    A subclass names the sink, which must be installed, gives a target, and reads back what stands
    there. `unreachable` is a target at which nothing answers, for sinks that are not local.

    Example:
        ```python
        class TestFile(RunSinkConformance):
            sink = "file"

            @pytest.fixture
            def target(self) -> str:
                return "file"

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

    @pytest.fixture(scope="class")
    @classmethod
    def catalog(cls) -> Catalog:
        """Return everything that the installed plugins provide."""
        return load_catalog(PluginSelection())

    @pytest.fixture
    def declaration(self, catalog: Catalog) -> RunSink:
        """Return the declaration of the sink."""
        return catalog.run_sinks.find(self.sink)

    @pytest.fixture
    def opened(
        self, catalog: Catalog, declaration: RunSink, target: str, tmp_path: Path
    ) -> Callable[..., OpenRun]:
        """Return a function that opens a run, or opens one once more."""
        config = resolve(catalog, flags={"log_to": target}, environment={})

        def open_run(run: Run | None = None) -> OpenRun:
            run = run or new_run(tmp_path)
            return OpenRun(run=run, handle=declaration.open(run, target, config))

        return open_run

    def test_target_is_found(self, catalog: Catalog, target: str) -> None:
        """`--log-to` finds the sink by its scheme, and the sink accepts the target."""
        config = resolve(catalog, flags={"log_to": target}, environment={})
        found = [t for t in configured_targets(catalog, config) if t.sink.value.name == self.sink]
        assert [t.target for t in found] == [target]

    def test_parameters_come_back(self, opened: Callable[..., OpenRun], target: str) -> None:
        """Values of all kinds are kept, as they are or as text."""
        here = opened()
        here.write(*(Parameter(key=key, value=value) for key, value in PARAMETERS.items()))
        here.handle.close(RunStatus.FINISHED)
        found = kept(self.read(here.run, target).parameters)
        assert set(found) == set(PARAMETERS)
        assert [key for key, value in PARAMETERS.items() if not same(value, found[key])] == []

    def test_parameters_may_be_logged_again(
        self, opened: Callable[..., OpenRun], target: str
    ) -> None:
        """A parameter that is logged twice has one of its values, and the others stay."""
        here = opened()
        here.write(Parameter(key="rate", value=1), Parameter(key="rate", value=1))
        here.write(Parameter(key="rate", value=2))
        here.write(Parameter(key="size", value=3))
        here.handle.close(RunStatus.FINISHED)
        found = kept(self.read(here.run, target).parameters)
        assert same(1, found["rate"]) or same(2, found["rate"])
        assert same(3, found["size"])

    def test_metrics_come_back(self, opened: Callable[..., OpenRun], target: str) -> None:
        """Metrics have their steps and values, in the order in which they were logged."""
        here = opened()
        here.write(metric("loss", 4.0, 0), metric("error", 1e-9, 10), metric("loss", 2.0, 1))
        here.write(metric("loss", -0.125, 5), metric("error", 1e12, 20))
        here.handle.close(RunStatus.FINISHED)
        found = self.read(here.run, target).metrics
        check_metrics(
            found,
            {"loss": [(0, 4.0), (1, 2.0), (5, -0.125)], "error": [(10, 1e-9), (20, 1e12)]},
        )

    def test_many_metrics_come_back(self, opened: Callable[..., OpenRun], target: str) -> None:
        """A batch may have thousands of records, and a run many batches."""
        here = opened()
        values = [float(step) for step in range(MANY)]
        here.metrics(*values, key="at_once")
        for step in range(0, 100, 10):
            here.write(*(metric("bit_by_bit", float(s), s) for s in range(step, step + 10)))
        here.handle.close(RunStatus.FINISHED)
        expected = {"at_once": values, "bit_by_bit": values[:100]}
        found = self.read(here.run, target).metrics
        check_metrics(found, {key: list(enumerate(part)) for key, part in expected.items()})

    def test_numbers_that_are_none_do_no_harm(
        self, opened: Callable[..., OpenRun], target: str
    ) -> None:
        """NaN and infinities are logged where things go wrong; the rest is kept."""
        here = opened()
        here.metrics(1.0, math.nan, math.inf, -math.inf, 2.0)
        here.handle.close(RunStatus.FAILED)
        found = dict(kept(self.read(here.run, target).metrics)["loss"])
        assert (found[0], found[4]) == (1.0, 2.0)

    def test_strange_keys_are_kept(
        self, opened: Callable[..., OpenRun], target: str, tmp_path: Path
    ) -> None:
        """Whatever the keys, nothing is lost, and nothing is written where a key points to."""
        keys = (*STRANGE_KEYS, str(tmp_path / "elsewhere"))
        around = set(tmp_path.parent.iterdir())
        here = opened()
        here.write(*(metric(key, float(number)) for number, key in enumerate(keys)))
        here.write(*(Parameter(key=key, value=number) for number, key in enumerate(keys)))
        here.handle.close(RunStatus.FINISHED)
        found = kept(self.read(here.run, target).metrics)
        values = sorted(value for history in found.values() for _, value in history)
        assert values == [float(number) for number in range(len(keys))]
        assert not list(tmp_path.glob("elsewhere*"))
        assert set(tmp_path.parent.iterdir()) == around

    def test_files_come_back(
        self, opened: Callable[..., OpenRun], target: str, tmp_path: Path
    ) -> None:
        """The bytes of a file are kept under its name."""
        files = {"plot.bin": bytes(range(256)) * 5_000, "empty.txt": b"", "ä b.txt": b"name"}
        here = opened()
        for name, content in files.items():
            here.write(artifact(tmp_path / name, content))
        here.handle.close(RunStatus.FINISHED)
        assert kept(self.read(here.run, target).artifacts) == files

    def test_folders_come_back(
        self, opened: Callable[..., OpenRun], target: str, tmp_path: Path
    ) -> None:
        """A folder is kept with all files that are in it, at any depth."""
        files = {"a.txt": b"a", "deep/er/b.txt": b"b"}
        for name, content in files.items():
            artifact(tmp_path / "mesh" / name, content)
        here = opened()
        here.write(Artifact(path=tmp_path / "mesh", name="mesh"))
        here.handle.close(RunStatus.FINISHED)
        expected = {f"mesh/{name}": content for name, content in files.items()}
        assert kept(self.read(here.run, target).artifacts) == expected

    def test_files_may_be_logged_again(
        self, opened: Callable[..., OpenRun], target: str, tmp_path: Path
    ) -> None:
        """A file that has changed replaces what was logged of it before."""
        here = opened()
        here.write(artifact(tmp_path / "plot.txt", b"first"))
        here.write(artifact(tmp_path / "plot.txt", b"second"))
        here.handle.close(RunStatus.FINISHED)
        assert kept(self.read(here.run, target).artifacts) == {"plot.txt": b"second"}

    @pytest.mark.parametrize("status", RunStatus)
    def test_status_is_kept(
        self, opened: Callable[..., OpenRun], target: str, status: RunStatus
    ) -> None:
        """A run ends as the call has."""
        here = opened()
        here.metrics(1.0)
        here.handle.close(status)
        found = kept(self.read(here.run, target).status)
        assert found == status

    def test_empty_runs_can_be_closed(self, opened: Callable[..., OpenRun]) -> None:
        """A run of which nothing was written ends like any other."""
        opened().handle.close(RunStatus.KILLED)
        here = opened()
        here.write()
        here.handle.close(RunStatus.FINISHED)

    def test_runs_do_not_mix(self, opened: Callable[..., OpenRun], target: str) -> None:
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
            found = self.read(here.run, target)
            check_metrics(found.metrics, {"loss": [(step, float(number)) for step in range(20)]})
            if found.parameters is not None:
                assert set(found.parameters) == {f"of_{number}_at_{step}" for step in range(20)}

    def test_threads_may_change(self, opened: Callable[..., OpenRun], target: str) -> None:
        """A run is opened, written and closed by one thread at a time, each time another one."""
        with (
            ThreadPoolExecutor(1) as one,
            ThreadPoolExecutor(1) as two,
            ThreadPoolExecutor(1) as three,
        ):
            here = one.submit(opened).result()
            two.submit(here.metrics, 1.0).result()
            three.submit(here.handle.close, RunStatus.FINISHED).result()
        check_metrics(self.read(here.run, target).metrics, {"loss": [(0, 1.0)]})

    def test_nothing_is_printed(
        self,
        opened: Callable[..., OpenRun],
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """Stdout is the place of results."""
        here = opened()
        here.metrics(1.0)
        here.write(Parameter(key="rate", value=1), artifact(tmp_path / "plot.txt", b"plot"))
        here.handle.close(RunStatus.FINISHED)
        assert capfd.readouterr().out == ""

    def test_local_sinks_write_at_once(
        self, opened: Callable[..., OpenRun], declaration: RunSink, target: str
    ) -> None:
        """What was written to a local sink is there before the run ends."""
        only_if(declaration.local, "the sink is not local")
        here = opened()
        here.metrics(1.0)
        here.write(Parameter(key="rate", value=1))
        found = self.read(here.run, target)
        check_metrics(found.metrics, {"loss": [(0, 1.0)]})
        assert found.parameters is None or same(1, found.parameters["rate"])
        here.handle.close(RunStatus.FINISHED)

    def test_abandoned_runs_can_be_closed(
        self, opened: Callable[..., OpenRun], declaration: RunSink, target: str
    ) -> None:
        """When its process has died, a run is opened once more to be closed, and keeps all."""
        only_if(declaration.local, "the sink is not local")
        here = opened()
        here.metrics(1.0, 2.0)
        here.write(Parameter(key="rate", value=1))
        opened(here.run).handle.close(RunStatus.KILLED)
        found = self.read(here.run, target)
        check_metrics(found.metrics, {"loss": [(0, 1.0), (1, 2.0)]})
        assert found.parameters is None or same(1, found.parameters["rate"])
        assert found.status in (None, RunStatus.KILLED)

    def test_kept_artifacts_are_copies(
        self, opened: Callable[..., OpenRun], declaration: RunSink, tmp_path: Path
    ) -> None:
        """What a keeping sink has of a file stays when the file goes."""
        only_if(declaration.default, "the sink does not keep runs")
        here = opened()
        plot = artifact(tmp_path / "plot.txt", b"plot")
        here.write(plot)
        assert isinstance(here.handle, StoringRunHandle)
        copy = here.handle.stored(plot)
        plot.path.unlink()
        assert copy.path.read_bytes() == b"plot"
        assert copy.name == "plot.txt"

    def test_what_does_not_answer_is_given_up(
        self, declaration: RunSink, catalog: Catalog, tmp_path: Path
    ) -> None:
        """Where nothing answers, an error says so before long."""
        only_if(self.unreachable is not None, "the sink is never out of reach")
        config = resolve(catalog, flags={}, environment={})
        start = time.monotonic()
        with pytest.raises(Exception) as caught:  # noqa: PT011  # a sink may raise anything
            declaration.open(new_run(tmp_path), str(self.unreachable), config).write(
                [metric("loss", 1.0)]
            )
        assert time.monotonic() - start < SECONDS
        assert str(caught.value).strip()

    @pytest.mark.parametrize("fails", [False, True])
    def test_calls_are_logged(
        self, catalog: Catalog, target: str, tmp_path: Path, fails: bool
    ) -> None:
        """What user code logs in a call arrives, and the run ends as the call does."""
        run, reply = called(catalog, target, tmp_path, {"fails": fails})
        assert (reply.fault is not None) == fails
        found = self.read(run, target)
        check_metrics(found.metrics, {"loss": [(0, 4.0), (1, 2.0), (2, 1.0)]})
        assert found.parameters is None or same(3, found.parameters["size"])
        assert found.artifacts in (None, {"plot.txt": b"plot"})
        assert found.status in (None, RunStatus.FAILED if fails else RunStatus.FINISHED)
