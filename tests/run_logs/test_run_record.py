"""The files of a run, as any program may read them, at any time."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime_core.contracts import Artifact, Metric, Parameter, Run, RunStatus
from runtime_core.run_logs import StoredRun
from runtime_core.run_logs.artifact_copies import remove_drafts
from runtime_core.run_logs.plain_values import plain
from tests.run_logs.recorded import Open, RecordedRun, metric

TEXT = st.text(st.characters(codec="utf-8"))
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
METRICS = st.lists(
    st.builds(
        Metric,
        key=TEXT,
        value=st.floats(),
        step=st.integers(),
        timestamp=st.floats(0, 4e9),
    )
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.binary()
    | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner) | st.tuples(inner),
    max_leaves=6,
)

many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.reader(file)]


def parameters(path: Path) -> Any:
    """Return the contents of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def fresh(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run in a new folder."""
    return Run(id="a", endpoint="apply", folder=tmp_path_factory.mktemp("run"))


@many
@given(METRICS)
def test_metrics_come_back(tmp_path_factory: pytest.TempPathFactory, metrics: list[Metric]) -> None:
    """The csv module and this plugin read the same keys, values and steps, of any kind."""
    run = fresh(tmp_path_factory)
    handle = RecordedRun(run)
    handle.write([metric(), *metrics])
    header, _, *lines = rows(run.log_folder / "metrics.csv")
    handle.close(RunStatus.FINISHED)
    assert header == ["timestamp", "key", "value", "step"]
    read = [(key, repr(float(value)), int(step)) for _, key, value, step in lines]
    assert read == [(m.key, repr(m.value), m.step) for m in metrics]
    _, *ours = StoredRun(run.log_folder).metrics
    assert [(m.key, repr(m.value), m.step) for m in ours] == read
    assert all(abs(a.timestamp - b.timestamp) < 1e-5 for a, b in zip(ours, metrics, strict=True))


@many
@given(st.dictionaries(TEXT, VALUES, min_size=1))
def test_parameters_come_back(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    """The json module reads what was logged, after every single parameter."""
    run = fresh(tmp_path_factory)
    handle = RecordedRun(run)
    expected = {}
    for key, value in values.items():
        expected[key] = plain(value)
        handle.write([Parameter(key=key, value=plain(value))])
        assert parameters(run.log_folder / "parameters.json") == expected
    assert StoredRun(run.log_folder).parameters == expected


@many
@given(ANY_TEXT)
def test_keys_with_halves_of_surrogates_are_readable(
    tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    """Lone surrogates, as in names of files, are escaped."""
    run = fresh(tmp_path_factory)
    handle = RecordedRun(run)
    handle.write([metric(key), Parameter(key=key, value=key)])
    [_, [_, read, _, _]] = rows(run.log_folder / "metrics.csv")
    assert read == key.encode("utf-8", "backslashreplace").decode()
    assert parameters(run.log_folder / "parameters.json") == json.loads(json.dumps({key: key}))


def test_file_of_metrics(opened: Open, logs: Path) -> None:
    """The file has the columns of the documentation, with times in UTC."""
    handle = opened()
    handle.write([metric("loss", 0.25, 3), metric('a, "b"\nc', float("nan"), -1)])
    assert (logs / "metrics.csv").read_text() == (
        "timestamp,key,value,step\n"
        "2017-07-14T02:40:00.000000+00:00,loss,0.25,3\n"
        '2017-07-14T02:40:00.000000+00:00,"a, ""b""\nc",nan,-1\n'
    )


def test_parameter_that_is_logged_again_has_its_last_value(opened: Open, logs: Path) -> None:
    """The last of several values of a key counts, as in JSON."""
    handle = opened()
    for value in (1, 2):
        handle.write([Parameter(key="size", value=value)])
    assert (logs / "parameters.json").read_text() == '{\n  "size": 1,\n  "size": 2\n}'
    assert parameters(logs / "parameters.json") == {"size": 2}


def test_files_are_made_for_what_is_logged(opened: Open, logs: Path) -> None:
    """A run that has logged one metric has only the files for it."""
    handle = opened()
    handle.write([metric()])
    handle.close(RunStatus.FINISHED)
    assert {path.name for path in logs.iterdir()} == {"run.json", "metrics.csv"}


def test_facts_of_a_run(opened: Open, logs: Path) -> None:
    """`run.json` has the id, the process and the status of a run."""
    handle = opened()
    facts = parameters(logs / "run.json")
    assert {name: facts[name] for name in ("id", "endpoint", "status", "ended", "pid")} == {
        "id": "a",
        "endpoint": "apply",
        "status": "RUNNING",
        "ended": None,
        "pid": os.getpid(),
    }
    handle.close(RunStatus.FAILED)
    ended = parameters(logs / "run.json")
    assert ended["status"] == "FAILED"
    assert facts["started"] < ended["ended"]


def test_closing_leaves_no_descriptors(opened: Open) -> None:
    """Closed runs leave no open file descriptors."""
    before = len([*Path("/proc/self/fd").iterdir()])
    for number in range(20):
        handle = opened(str(number))
        handle.write([metric(), Parameter(key="size", value=3)])
        handle.close(RunStatus.FINISHED)
    after = len([*Path("/proc/self/fd").iterdir()])
    assert after <= before  # what earlier tests have left is closed at any time


def bytes_moved(handle: Any, count: int) -> int:
    """Return the number of bytes read and written for `count` parameters and metrics."""
    before = bytes_of_process()
    for number in range(count):
        handle.write([metric(), Parameter(key=str(number), value=number)])
    return bytes_of_process() - before


def bytes_of_process() -> int:
    """Return the number of bytes that this process has read and written."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"]) + int(counts["wchar"])


def test_cost_is_linear(opened: Open) -> None:
    """Late records cost as much as early ones."""
    handle = opened()
    first = bytes_moved(handle, 500)
    bytes_moved(handle, 5000)
    assert bytes_moved(handle, 500) < 2 * first


def test_equal_names_cost_no_more_each_time(opened: Open, tmp_path: Path, logs: Path) -> None:
    """The free name of the hundredth artifact of a name is not searched from the beginning."""
    handle = opened()
    looked: list[object] = []
    exists = os.path.lexists

    def looked_at(path: Path) -> bool:
        looked.append(path)
        return exists(path)

    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "out.vtk").write_text(str(number))
        handle.write([Artifact(path=folder / "out.vtk", name="out.vtk")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os.path, "lexists", looked_at)
        (tmp_path / "out.vtk").write_text("last")
        handle.write([Artifact(path=tmp_path / "out.vtk", name="out.vtk")])
    assert len(looked) == 1
    assert (logs / "artifacts" / "out-101.vtk").read_text() == "last"


def artifact(path: Path) -> Artifact:
    """Return a file or folder as an artifact."""
    return Artifact(path=path, name=path.name)


def test_artifacts_of_equal_names_are_all_kept(opened: Open, tmp_path: Path, logs: Path) -> None:
    """Another file of the same name has a number before its suffix, a folder after its name."""
    handle = opened()
    for place in ("a", "b", "c"):
        (tmp_path / place / "mesh").mkdir(parents=True)
        (tmp_path / place / "mesh" / "points").write_text(place)
        (tmp_path / place / "plot.svg").write_text(place)
        handle.write([artifact(tmp_path / place / name) for name in ("mesh", "plot.svg")])
    files = {
        str(path.relative_to(logs / "artifacts")): path.read_text()
        for path in (logs / "artifacts").rglob("*")
        if path.is_file()
    }
    assert files == {
        "mesh/points": "a",
        "mesh-2/points": "b",
        "mesh-3/points": "c",
        "plot.svg": "a",
        "plot-2.svg": "b",
        "plot-3.svg": "c",
    }


def test_artifact_that_is_logged_again_is_replaced(
    opened: Open, tmp_path: Path, logs: Path
) -> None:
    """The same path has one copy, of its last state, be it a file or a folder."""
    handle = opened()
    path = tmp_path / "state"
    place = logs / "artifacts" / "state"
    path.write_text("1")
    handle.write([artifact(path)])
    path.write_text("2")
    handle.write([artifact(path)])
    assert place.read_text() == "2"
    path.unlink()
    path.mkdir()
    (path / "a").touch()
    handle.write([artifact(path)])
    assert [p.name for p in place.iterdir()] == ["a"]
    (path / "a").rename(path / "b")
    handle.write([artifact(path)])
    assert [p.name for p in place.iterdir()] == ["b"]
    (path / "b").unlink()
    path.rmdir()
    path.write_text("3")
    handle.write([artifact(path)])
    assert place.read_text() == "3"
    assert [p.name for p in place.parent.iterdir()] == ["state"]


@pytest.mark.parametrize("name", [".env", "a b,c", "ä.txt", "x" * 255, "-rf", "plot", "a.tar.gz"])
def test_artifacts_of_any_name_are_kept(
    opened: Open, tmp_path: Path, stored: StoredRun, name: str
) -> None:
    """Any name that the file system accepts is kept."""
    (tmp_path / name).write_text("here")
    opened().write([artifact(tmp_path / name)])
    assert [(path.name, path.read_text()) for path in stored.artifacts] == [(name, "here")]


@pytest.mark.parametrize("way", ["whole", "dots", "link"])
def test_folder_around_the_log_is_kept_without_it(
    opened: Open, tmp_path: Path, logs: Path, way: str
) -> None:
    """Logging the output path itself, by any name, ends."""
    handle = opened()
    (tmp_path / "data").write_text("1")
    path = tmp_path / "run_a" / ".." if way == "dots" else tmp_path
    if way == "link":
        path = tmp_path.with_name(f"{tmp_path.name}-link")
        path.symlink_to(tmp_path)
    handle.write([Artifact(path=path, name="all")])
    kept = [p for p in (logs / "artifacts" / "all").rglob("*") if p.is_file()]
    assert [p.name for p in kept] == ["data"]


def test_links_to_what_they_lie_in_are_left_out(opened: Open, tmp_path: Path, logs: Path) -> None:
    """Circular links are not followed for ever."""
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "data").write_text("1")
    for name in ("here", "there"):
        (folder / "inner" / name).symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    (folder / "alias").symlink_to(folder / "data")
    opened().write([artifact(folder)])
    kept = (logs / "artifacts" / "folder").rglob("*")
    assert sorted(p.name for p in kept if not p.is_dir()) == ["alias", "data"]


def test_folder_that_cannot_be_copied_is_told_shortly(
    opened: Open, tmp_path: Path, logs: Path
) -> None:
    """A pipe in a folder is an error that names it, and no partial copy is left."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "pipe")
    with pytest.raises(
        OSError, match=r"1 files cannot be copied, such as .*pipe.* is a named pipe"
    ):
        opened().write([artifact(tmp_path / "folder")])
    assert list((logs / "artifacts").iterdir()) == []


def test_artifact_that_is_gone_leaves_nothing_half(
    opened: Open, tmp_path: Path, logs: Path
) -> None:
    """A file that disappears while it is logged is an error."""
    handle = opened()
    with pytest.raises(FileNotFoundError):
        handle.write([artifact(tmp_path / "gone")])
    assert list((logs / "artifacts").iterdir()) == []
    handle.write([metric()])


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "{}"])
def test_damaged_facts_are_nobodys(opened: Open, logs: Path, text: str) -> None:
    """A `run.json` without an id belongs to no run, and is replaced."""
    logs.mkdir(parents=True)
    (logs / "run.json").write_text(text)
    opened()
    assert StoredRun(logs).id == "a"


def test_same_id_again_continues_the_run(opened: Open, logs: Path, stored: StoredRun) -> None:
    """A run that is opened again, as for a dead worker, has one log, which is running then."""
    first = opened()
    first.write([metric(step=0), Parameter(key="a", value=1)])
    first.close(RunStatus.FINISHED)
    started = StoredRun(logs).started
    second = opened()
    assert (StoredRun(logs).status, StoredRun(logs).started) == ("RUNNING", started)
    second.write([metric(step=1), Parameter(key="b", value=2)])
    second.close(RunStatus.FAILED)
    assert [m.step for m in stored.metrics] == [0, 1]
    assert stored.parameters == {"a": 1, "b": 2}
    assert stored.status == "FAILED"


def log_much(folder: str, name: str) -> None:
    """Log to one run, in a process of its own."""
    handle = RecordedRun(Run(id="a", endpoint="apply", folder=Path(folder)))
    for step in range(300):
        handle.write([metric(name, step, step), Parameter(key=f"{name}{step}", value=step)])


def test_processes_may_log_to_one_run(stored: StoredRun, tmp_path: Path) -> None:
    """Two calls of one id in two workers lose nothing and tear nothing."""
    context = multiprocessing.get_context("spawn")
    arguments = [(str(tmp_path / "run_a"), name) for name in ("x", "y")]
    processes = [context.Process(target=log_much, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(parameters(stored.folder / "parameters.json")) == 600
    assert len(rows(stored.folder / "metrics.csv")) == 601


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond a size inside the `with`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_tears_nothing(opened: Open, logs: Path, stored: StoredRun) -> None:
    """A full disk is an error; the files stay valid and continue later."""
    handle = opened()
    handle.write([metric("first"), Parameter(key="first", value=1)])
    with full_disk(110):
        for record in (metric("k" * 200), Parameter(key="k" * 200, value=1)):
            with pytest.raises(OSError, match=r"(File too large|No space left)"):
                handle.write([record])
    assert parameters(logs / "parameters.json") == {"first": 1}
    handle.write([metric("last"), Parameter(key="last", value=2)])
    assert parameters(logs / "parameters.json") == {"first": 1, "last": 2}
    assert [row[1] for row in rows(logs / "metrics.csv")] == ["key", "first", "last"]


def test_half_a_copy_of_a_killed_run_is_removed(opened: Open, logs: Path) -> None:
    """The supervisor removes what a killed worker was copying."""
    opened()
    (logs / "artifacts" / ".draft-0" / "mesh").mkdir(parents=True)
    (logs / "artifacts" / ".draft-1").touch()
    (logs / "artifacts" / "plot.svg").touch()
    remove_drafts(logs)
    assert [path.name for path in (logs / "artifacts").iterdir()] == ["plot.svg"]


KILLED = """
import os, sys
from pathlib import Path
from runtime_core.contracts import Metric, Parameter, Run
from runtime_core.run_logs.run_document import begin_run
from runtime_core.run_logs.run_record import RunRecord

run = Run(id="a", endpoint="apply", folder=Path(sys.argv[1]))
begin_run(run)
record = RunRecord(run.log_folder)
for step in range(100_000):
    value = "x" * (step * 400 % int(sys.argv[2]))
    record.write(Metric(key=f"a,{step}", value=step, step=step, timestamp=0.0))
    record.write(Parameter(key=str(step), value=value))
    if step == 200:
        os.write(1, b"!")
"""


@contextmanager
def writing(folder: Path, *, largest: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have a process that logs as fast as it can, and has logged 200 steps."""
    command = [sys.executable, "-c", KILLED, str(folder), str(largest)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.read(1)
            yield process
        finally:
            process.kill()


def test_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    """After a `kill -9` at any moment every line is whole, and the run reads as killed."""
    with writing(tmp_path / "run_a", largest=20_000):
        pass
    stored = StoredRun(tmp_path / "run_a" / "logs")
    assert (stored.folder / "metrics.csv").read_bytes().endswith(b"\n")
    steps = [(m.key, m.value, m.step) for m in stored.metrics]
    assert steps == [(f"a,{step}", step, step) for step in range(len(steps))]
    assert len(steps) - 1 <= len(stored.parameters) <= len(steps)
    assert len(steps) > 200
    assert stored.status == "KILLED"


def test_files_are_readable_while_the_run_goes_on(tmp_path: Path) -> None:
    """A reader sees whole metrics and parameters while they are written."""
    stored = StoredRun(tmp_path / "run_a" / "logs")
    with writing(tmp_path / "run_a", largest=10):
        for _ in range(20):
            assert [*stored.parameters][:200] == [str(step) for step in range(200)]
            assert [m.step for m in stored.metrics][:200] == [*range(200)]
        assert stored.status == "RUNNING"


def test_arrays_are_lists(opened: Open, logs: Path) -> None:
    """An array that is logged as a parameter can be read without numpy."""
    opened().write([Parameter(key="x", value=plain(np.eye(2)))])
    assert parameters(logs / "parameters.json") == {"x": [[1.0, 0.0], [0.0, 1.0]]}
