"""The command `runs`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.contracts import Artifact, Parameter, Record, RunStatus
from runtime_core.errors import RunNotLogged
from runtime_core.run_logs import MASK, configured_targets, stored_run, stored_runs
from tesseract_runtime_run_store.command import send
from tests.cli.conftest import Here, here
from tests.conftest import DOUBLE
from tests.run_logs.conftest import Sink, WithSinks, with_sinks
from tests.run_logs.recorded import Open, metric, stored_document

__all__ = ["here", "with_sinks"]  # fixtures


@pytest.fixture
def logged(opened: Open, tmp_path: Path) -> Path:
    """Return an output path with two runs, of which `a` has logged something of each kind."""
    handle = opened("a")
    (tmp_path / "plot.svg").touch()
    handle.write([Parameter(key="solver", value="gmres"), Parameter(key="size", value=[2, 3])])
    handle.write([metric("loss", 4.0, 0), metric("loss", float("nan"), 1)])
    handle.write([Artifact(path=tmp_path / "plot.svg", name="plot.svg")])
    handle.close(RunStatus.FINISHED)
    (tmp_path / "run_a" / "logs" / "tesseract.log").write_text("hello\nworld\n")
    opened("b").close(RunStatus.FAILED)
    return tmp_path


def test_list(here: Here, logged: Path) -> None:
    """Each run is a line, the newest first."""
    lines = here("runs", "list").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["b", "apply", "FAILED"],
        ["a", "apply", "FINISHED"],
    ]
    assert here("--output-path", str(logged), "runs", "list").stdout.splitlines() == lines
    assert here("runs", "list", "-o", str(logged)).stdout.splitlines() == lines


def test_list_of_nothing(here: Here) -> None:
    """An output path without runs is not an error, and is named."""
    ended = here("runs", "list")
    assert (ended.code, ended.stdout) == (0, "")
    assert re.fullmatch(r"There are no runs in /.*\.\n", ended.stderr)
    assert here("runs", "list", "--json").stdout == "[]\n"


def test_list_as_json(here: Here, logged: Path) -> None:
    """`--json` prints the same as JSON."""
    last, first = json.loads(here("runs", "list", "--json").stdout)
    assert (first["id"], first["status"], first["folder"]) == (
        "a",
        "FINISHED",
        str(logged / "run_a" / "logs"),
    )
    assert last["started"] <= last["ended"]


def test_show(here: Here, logged: Path) -> None:
    """A run is shown with all that it has logged and printed."""
    text = here("runs", "show", "a").stdout
    assert re.fullmatch(
        r"id: a\nendpoint: apply\nstatus: FINISHED\nstarted: .*\nended: .*\nfolder: .*\n"
        r"parameter 'solver': 'gmres'\nparameter 'size': \[2, 3\]\n"
        r"metric 'loss': nan at step 1\nartifact: .*/artifacts/plot.svg\nhello\nworld\n",
        text,
    )


def test_show_as_json(here: Here, logged: Path) -> None:
    """`--json` has every value of every metric, and is JSON when they are not finite."""
    facts = json.loads(here("runs", "show", "a", "--json").stdout)
    assert facts["parameters"] == {"solver": "gmres", "size": [2, 3]}
    assert facts["metrics"] == {"loss": [[0, 4.0], [1, "NaN"]]}
    assert facts["text"] == "hello\nworld\n"


def test_clean(here: Here, logged: Path) -> None:
    """Removed runs are named; a dry run removes nothing."""
    assert here("runs", "clean", "--keep", "1", "--dry-run").stdout == "Would remove a\n"
    assert (logged / "run_a").exists()
    assert here("runs", "clean", "--older-than", "7d").stdout == ""
    assert here("runs", "clean", "--keep", "1").stdout == "Removed a\n"
    assert [path.name for path in logged.glob("run_*")] == ["run_b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "c"], "Error: Unknown run 'c' in "),
        (["clean"], "Error: Say what to remove with --keep N, --older-than AGE, or both.\n"),
        (
            ["clean", "--older-than", "soon"],
            "Error: --older-than 'soon' is not a valid time span: ",
        ),
        (
            ["list", "-o", "nowhere"],
            "Error: Folder 'nowhere' does not exist. Name the output path ",
        ),
        (["list", "-o", "s3://x"], "Error: Runs are logged on a local disk; there are none at "),
        (["send", "a"], "Error: Name where to send the run with --log-to, such as mlflow+http"),
        (["send", "a", "--log-to", "file"], "Error: Name where to send the run with --log-to"),
        (["send", "a", "--log-to", "nowhere"], "Error: --log-to 'nowhere': Unknown run sink "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_calls_are_told(
    here: Here, logged: Path, arguments: Sequence[str], message: str
) -> None:
    """An invalid command exits 2 with one sentence."""
    ended = here("runs", *arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(message)
    assert len(ended.stderr.splitlines()) == 1


def test_command_needs_no_tesseract(here: Here, logged: Path) -> None:
    """Runs are listed where there is no `tesseract_api.py`."""
    assert not Path("tesseract_api.py").exists()
    assert here("runs", "list").code == 0


class Reader(Sink):
    """A sink that reads artifacts when it is given them."""

    def write(self, records: Sequence[Record]) -> None:
        """Remember records."""
        assert all(r.path.exists() for r in records if isinstance(r, Artifact))
        super().write(records)


def config_of(catalog: Catalog) -> RuntimeConfig:
    """Return a configuration that logs to the sink `kept`."""
    return resolve(catalog, flags={"log_to": "kept:there"}, environment={})


def test_send(with_sinks: WithSinks, logged: Path) -> None:
    """A run is sent whole, with its status."""
    sink = Reader()
    catalog = with_sinks(sink.declared())
    config = config_of(catalog)
    [target] = configured_targets(catalog, config)
    send(stored_run(logged, "a"), target, config)
    assert sink.calls[0] == ("open", "a")
    assert sink.calls[-1] is RunStatus.FINISHED
    assert [type(record).__name__ for record in sink.records] == [
        "Parameter",
        "Parameter",
        "Metric",
        "Metric",
        "Artifact",
    ]


@pytest.mark.parametrize("when", ["open", "write", "close"])
def test_send_that_fails_is_told(with_sinks: WithSinks, logged: Path, when: str) -> None:
    """A failed send of a run is an error with the reason."""
    catalog = with_sinks(Sink(fails=when).declared())
    config = config_of(catalog)
    [target] = configured_targets(catalog, config)
    with pytest.raises(RunNotLogged) as caught:
        send(stored_run(logged, "a"), target, config)
    assert str(caught.value) == (
        "Run a cannot be sent to kept:there (of-tests 7): ConnectionError: connection refused."
    )


def test_run_that_goes_on_is_not_sent(opened: Open, with_sinks: WithSinks, tmp_path: Path) -> None:
    """A run that has not ended is not sent, because sending closes it."""
    opened("a")
    catalog = with_sinks(Sink().declared())
    [target] = configured_targets(catalog, config_of(catalog))
    with pytest.raises(RunNotLogged, match="Run a has not ended yet: it is sent when it has"):
        send(stored_run(tmp_path, "a"), target, config_of(catalog))


def test_compare(here: Here, logged: Path) -> None:
    """Each fact that two runs do not share is a line."""
    assert here("runs", "compare", "a", "a").stdout == ""
    assert here("runs", "compare", "a", "b").stdout.splitlines() == [
        "parameters.solver: 'gmres' | (none)",
        "parameters.size.[0]: 2 | (none)",
        "parameters.size.[1]: 3 | (none)",
        "metrics.loss: nan | (none)",
        "status: 'FINISHED' | 'FAILED'",
    ]


def test_rerun(here: Here, tesseract: Callable[..., Path], tmp_path: Path) -> None:
    """A recorded payload is computed again, and another result is an error."""
    arguments = ("--api-path", str(tesseract()), "--output-path", str(tmp_path / "out"))
    assert here(*arguments, "apply", '{"inputs": {"x": [1.0]}}').code == 0
    [run] = stored_runs(tmp_path / "out")
    ended = here(*arguments, "runs", "rerun", run.id)
    again = next(each for each in stored_runs(tmp_path / "out") if each.id != run.id)
    assert (ended.code, ended.stdout) == (0, f"Run {again.id} has the same result as {run.id}\n")
    tesseract(DOUBLE.replace("2 *", "3 *"))
    ended = here(*arguments, "runs", "rerun", run.id)
    assert ended.code == 1
    assert f" differs from {run.id}\ndigest: " in ended.stdout
    assert "\noutcome.result.digest: " in ended.stdout


@pytest.mark.parametrize("facts", [{}, {"payload": {"inputs": {"token": MASK}}}])
def test_what_is_not_recorded_is_not_computed_again(
    here: Here, tmp_path: Path, facts: dict[str, Any]
) -> None:
    """A payload that was too large or has secrets cannot be computed again."""
    stored_document(tmp_path, "run_a", endpoint="apply", payload_format="json", **facts)
    ended = here("runs", "rerun", "a", "-o", str(tmp_path))
    assert ended.code == 2
    assert ended.stderr.startswith("Error: The payload of run 'a' is not recorded: it has secrets")
