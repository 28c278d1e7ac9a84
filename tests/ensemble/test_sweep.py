"""The command `sweep`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tesseract_runtime_ensemble.record import locked
from tests.conftest import Cli
from tests.ensemble.conftest import MODEL, results_of, rows_of


def test_each_point_has_a_row(ensemble: Cli, tmp_path: Path) -> None:
    """A row has the swept inputs, the outputs and the facts of its run, in the order of points."""
    done = ensemble("sweep", "beta=linspace(0,1,3)", "grid[1].k=[5,7]", "-o", "out/o.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Computed 6 of 6 evaluations in ")
    rows = rows_of(tmp_path / "out" / "o.jsonl")
    assert [row["index"] for row in rows] == [*range(6)]
    assert rows[3]["inputs"] == {"beta": 0.5, "grid[1].k": 7}
    assert (rows[3]["status"], rows[3]["error"]) == ("finished", None)
    assert rows[3]["outputs"]["total"] == 7.0
    assert rows[3]["outputs"]["y"]["data"]["buffer"] == [0.5, 1.0, 1.5, 2.0]
    assert len({row["run_id"] for row in rows}) == 6
    assert all(row["seconds"] > 0 for row in rows)


@pytest.mark.parametrize("encoding", ["json", "base64"])
def test_points_start_from_a_base(ensemble: Cli, tmp_path: Path, encoding: str) -> None:
    """A path may lead into an array of the base, whatever its encoding, and defaults stay."""
    buffer = "AAAAAAAA8D8AAAAAAAAAQA==" if encoding == "base64" else [1.0, 2.0]
    array = {"shape": [2], "dtype": "float64", "data": {"buffer": buffer, "encoding": encoding}}
    (tmp_path / "base.json").write_text(json.dumps({"inputs": {"x": array, "n": 2}}))
    done = ensemble("sweep", "@base.json", "x[1]=[7,8]", "-o", "o.jsonl")
    assert done.returncode == 0, done.stderr
    outputs = [row["outputs"] for row in rows_of(tmp_path / "o.jsonl")]
    assert [each["y"]["data"]["buffer"] for each in outputs] == [[1.0, 7.0], [1.0, 8.0]]
    assert [each["i"]["data"]["buffer"] for each in outputs] == [2, 2]


def test_a_dry_run_prints_the_points(ensemble: Cli) -> None:
    """Nothing is computed or written."""
    done = ensemble("sweep", "beta=[1,9]", "n=arange(2)", "--dry-run", "--zip")
    assert done.stdout == (
        '{"index":0,"inputs":{"beta":1,"n":0}}\n{"index":1,"inputs":{"beta":9,"n":1}}\n'
    )
    assert done.stderr == "2 evaluations of apply.\n"


def test_zip_is_named_alike_in_the_environment(ensemble: Cli) -> None:
    """The variable has the name of the option."""
    done = ensemble(
        "sweep",
        "beta=[1,9]",
        "n=arange(2)",
        "--dry-run",
        environment={"TESSERACT_RUNTIME_SWEEP_ZIP": "1"},
    )
    assert done.stderr == "2 evaluations of apply.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bta=[1]"], "inputs.bta: Extra inputs are not permitted. Did you mean 'beta'?"),
        (["gird[1].k=[1]"], "inputs.gird: unknown input. Did you mean 'grid'? Inputs: beta, grid,"),
        (['{"inputs": {"beta": 1}}', "bta=[1]"], "not permitted. Did you mean 'beta'?"),
        (["x=[1, 2]"], "got 0D, expected 1D. Each element is a point; for one array write x=[[1"),
        (["grid[2].k=[1]"], "There is nothing at 'inputs.grid.[2]'"),
        (["grid[1].j=[1]"], "inputs.grid.1.j: Extra inputs are not permitted"),
        (["x[9]=[1]"], "There is nothing at 'inputs.x.[9]': there are 4 elements."),
        (["x[0]=[1]", "x.[0]=[2]"], "'x.[0]' and 'x[0]' are the same place, or one lies in the ot"),
        (["x[0]=[1]", "x=[[2]]"], "'x[0]' and 'x' are the same place, or one lies in the other"),
        (["be..ta=[1]"], "Invalid path 'be..ta' at character 4"),
        (["beta=[high]"], "beta=[high]: the list is not JSON"),
        (['beta=["high"]'], "inputs.beta: Input should be a valid number"),
        (["beta=uniform(0,1)"], "beta has a distribution: give the number of its samples"),
        (
            ["beta=[1]", "--on-error", "no"],
            "--on-error': 'no' is not one of 'record', 'skip', 'stop'",
        ),
        ([], "Missing argument"),
    ],
)
def test_mistakes_are_found_before_anything_is_computed(
    ensemble: Cli, tmp_path: Path, arguments: list[str], message: str
) -> None:
    """Names are checked by the schema, values by the first point, and no table is written."""
    done = ensemble("sweep", *arguments, "-o", "o.jsonl")
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.glob("*.jsonl*"))


@pytest.mark.parametrize(
    ("on_error", "indexes"), [("record", [0, 1, 2, 3]), ("skip", [0, 3]), ("stop", [0])]
)
def test_failures_are_recorded_skipped_or_stop(
    ensemble: Cli, tmp_path: Path, on_error: str, indexes: list[int]
) -> None:
    """The end says which failures there were, and the exit code that there were some."""
    arguments = ("sweep", "beta=[1,6,7,2]", "-o", "o.jsonl", "--on-error", on_error)
    done = ensemble(*arguments)
    assert done.returncode == 1
    rows = rows_of(tmp_path / "o.jsonl")
    assert [row["index"] for row in rows] == indexes
    if on_error == "record":
        assert [row["status"] for row in rows] == ["finished", "failed", "failed", "finished"]
        assert rows[1]["error"].startswith("ValueError: beta is 6.0 (")
        assert rows[1]["outputs"] is None
    assert "  1 x ValueError: beta is 6.0 (" in done.stderr
    assert ("--resume to go on" in done.stderr) == (on_error == "stop")


def test_failures_are_grouped_by_message(ensemble: Cli) -> None:
    """Each message has the number of its failures and the first index."""
    done = ensemble("sweep", "beta=[6,1,7]", "n=arange(4)", "-o", "o.jsonl")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Computed 12 of 12 evaluations in ")
    assert lines[0].endswith(", 8 failed.")
    assert [line.partition(" (")[0] for line in lines[1:]] == [
        "  4 x ValueError: beta is 6.0",
        "  4 x ValueError: beta is 7.0",
    ]
    assert lines[2].endswith("(first: index 8)")


def test_skipped_failures_are_tried_again(ensemble: Cli, tmp_path: Path) -> None:
    """What has no row is computed by --resume, and nothing else."""
    arguments = ("sweep", "beta=[1,6,2]", 'note=["notes"]', "-o", "o.jsonl")
    ensemble(*arguments, "--on-error", "skip")
    done = ensemble(*arguments, "--resume")
    assert done.stderr.startswith("Computed 1 of 3 evaluations after 2 earlier ones")
    assert sorted(row["index"] for row in rows_of(tmp_path / "o.jsonl")) == [0, 1, 2]
    assert len((tmp_path / "notes").read_text().splitlines()) == 4


@pytest.mark.parametrize("table", ["o.jsonl", "o.parquet"])
def test_an_existing_table_is_kept(ensemble: Cli, tmp_path: Path, table: str) -> None:
    """It is replaced or continued on request alone."""
    if table == "o.parquet":
        pytest.importorskip("pyarrow")
    arguments = ("sweep", "beta=[1,2]", "-o", table)
    assert ensemble(*arguments).returncode == 0
    refused = ensemble(*arguments)
    assert (refused.returncode, refused.stderr) == (
        2,
        f"Error: '{table}' exists: go on with --resume, or replace it with --overwrite.\n",
    )
    assert "after 2 earlier ones" in ensemble(*arguments, "--resume").stderr
    replaced = ensemble("sweep", "beta=[3]", "-o", table, "--overwrite")
    assert replaced.stderr.startswith("Computed 1 of 1 evaluations in")
    both = ensemble(*arguments, "--overwrite", "--resume")
    assert both.stderr.startswith("Error: --resume keeps OUT and --overwrite replaces it")


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (["beta=[1,3]"], "  inputs: beta: [1,2] before, [1,3] now\n"),
        (["beta=[1,2]", "n=[1]"], "  inputs: n: none before, [1] now\n"),
        (["@base.json", "beta=[1,2]"], "  digest of the base: "),
        (["beta=[1,2]", "--zip"], "  --zip: False before, True now\n"),
        (["--gradient-backend", "auto", "beta=[1,2]"], "  options: gradient_backend: "),
    ],
)
def test_other_inputs_are_not_resumed(
    ensemble: Cli, tmp_path: Path, changed: list[str], difference: str
) -> None:
    """The message has the difference, and the table stays."""
    (tmp_path / "base.json").write_text('{"inputs": {"n": 2}}')
    ensemble("sweep", "beta=[1,2]", "-o", "o.jsonl")
    before = results_of(tmp_path / "o.jsonl")
    done = ensemble("sweep", *changed, "-o", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: 'o.jsonl' cannot be resumed, as other things are comput")
    assert difference in done.stderr
    assert results_of(tmp_path / "o.jsonl") == before


def test_another_file_is_not_resumed(ensemble: Cli, tmp_path: Path) -> None:
    """A model that has changed gives other results."""
    ensemble("sweep", "beta=[1,2]", "-o", "o.jsonl")
    path = tmp_path / "tesseract" / "tesseract_api.py"
    path.write_text(path.read_text() + "# changed\n")
    done = ensemble("sweep", "beta=[1,2]", "-o", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert "\n  Tesseract: " in done.stderr


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ([], "Error: Name the table of results, such as -o results.jsonl.\n"),
        (["-o", "o.csv"], "Error: --out cannot be 'o.csv': it must be a local path that ends with"),
        (["-o", "s3://b/o.jsonl"], "Error: --out cannot be 's3://b/o.jsonl': it must be a local"),
        (["-o", f"{'o' * 250}.jsonl"], f"Error: '{'o' * 40}...' is too long: a path has at most"),
        (["-o", "here.jsonl/o.jsonl"], "Error: Cannot use 'here.jsonl/o.jsonl': Not a directory."),
        (["-o", "here.jsonl/o.parquet"], "Error: Cannot use 'here.jsonl/o.parquet/_ensemble.js"),
        (["-o", "here.jsonl", "--resume"], "Error: 'here.jsonl' is not a table of map or sweep, a"),
    ],
)
def test_tables_have_a_name_that_says_their_kind(
    ensemble: Cli, tmp_path: Path, out: list[str], message: str
) -> None:
    """A file of other origin is not appended to."""
    (tmp_path / "here.jsonl").touch()
    done = ensemble("sweep", "beta=[1]", *out)
    assert (done.returncode, done.stderr[: len(message)]) == (2, message)


STOPPING = MODEL.replace(
    "    time.sleep", "    if inputs.note: os.kill(os.getpid(), 2)\n    time.sleep"
)


def test_the_first_interrupt_ends_in_order(
    cli_here: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """What is being computed is finished and stored, and the rest is computed by --resume."""
    path = str(tesseract(STOPPING))
    arguments = ("--api-path", path, "sweep", 'note=["", "x", ""]', "n=arange(2)", "-o", "o.jsonl")
    stopped = cli_here(*arguments)
    assert stopped.returncode == 130
    first, *lines = stopped.stderr.strip().splitlines()
    assert first == "Finishing what is being computed; another Ctrl-C aborts it."
    assert lines[0].startswith("Computed 3 of 6 evaluations in ")
    assert lines[-1] == "Run the same command with --resume to go on."
    assert [row["index"] for row in rows_of(tmp_path / "o.jsonl")] == [0, 1, 2]
    assert cli_here(*arguments, "--resume").returncode == 130
    assert cli_here(*arguments, "--resume").returncode == 0
    assert [row["index"] for row in rows_of(tmp_path / "o.jsonl")] == [*range(6)]


@pytest.mark.parametrize("record", ['{"id', "{}", "[]", '{"id": 1, "facts": {}}'])
def test_a_damaged_record_is_named(ensemble: Cli, tmp_path: Path, record: str) -> None:
    """The table can be replaced."""
    ensemble("sweep", "beta=[1]", "-o", "o.jsonl")
    (tmp_path / "o.jsonl.ensemble.json").write_text(record)
    done = ensemble("sweep", "beta=[1]", "-o", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: 'o.jsonl.ensemble.json' does not say what is computed, a")
    assert ensemble("sweep", "beta=[1]", "-o", "o.jsonl", "--overwrite").returncode == 0


def test_a_table_has_one_writer(ensemble: Cli, tmp_path: Path) -> None:
    """Another command for the same table is refused while one runs."""
    ensemble("sweep", "beta=[1,2]", "-o", "o.jsonl")
    with locked(tmp_path / "o.jsonl.ensemble.json"):
        done = ensemble("sweep", "beta=[1,2]", "-o", "o.jsonl", "--resume")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Another command writes to the table of ")


def test_results_that_are_kept_are_marked(
    cli_here: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """With --memo a row says whether its result was computed."""
    path = str(tesseract(MODEL + "\ndeterministic = True\n"))
    sweep = ("--api-path", path, "--memo", "kept", "sweep")
    assert cli_here(*sweep, "beta=[1,2]", "-o", "a.jsonl").returncode == 0
    assert cli_here(*sweep, "beta=[2,3]", "-o", "b.jsonl").returncode == 0
    rows = rows_of(tmp_path / "a.jsonl") + rows_of(tmp_path / "b.jsonl")
    assert [row["memo"] for row in rows] == ["miss", "miss", "hit", "miss"]


def test_where_runs_are_logged_may_change(ensemble: Cli, tmp_path: Path) -> None:
    """It cannot change a result, and is not in the record."""
    pytest.importorskip("tesseract_runtime_mlflow")
    tracker = ("--mlflow-tracking-uri", "http://127.0.0.1:9")
    assert ensemble(*tracker, "sweep", "beta=[1]", "-o", "o.jsonl").returncode == 0
    assert "127.0.0.1" not in (tmp_path / "o.jsonl.ensemble.json").read_text()
    assert ensemble("sweep", "beta=[1]", "-o", "o.jsonl", "--resume").returncode == 0


def test_runs_that_fail_are_recorded(ensemble: Cli, tmp_path: Path) -> None:
    """The folder of such a run has the traceback, the payload and its changes; others have none."""
    ensemble("sweep", "beta=[1,6]", "-o", "o.jsonl", "--output-path", "runs")
    run_id = rows_of(tmp_path / "o.jsonl")[1]["run_id"]
    [logs] = (tmp_path / "runs").glob("run_*/logs")
    assert logs.parent.name == f"run_{run_id}"
    assert (logs / "tesseract.log").read_text().endswith("\nValueError: beta is 6.0\n")
    record = json.loads((logs / "run.json").read_text())
    assert record["id"] == f"{record['parent_id']}.1" == run_id
    assert (record["status"], record["changes"]) == ("FAILED", {"inputs.beta": 6})


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("tesseract_runtime_ensemble.parquet_table", ["beta=[1]", "-o", "o.parquet"], "parquet"),
        ("scipy.stats", ["beta=uniform(0,1)", "--samples", "2", "-o", "o.jsonl"], "sampling"),
    ],
)
def test_a_missing_extra_has_its_command(
    ensemble: Cli, monkeypatch: pytest.MonkeyPatch, module: str, arguments: list[str], extra: str
) -> None:
    """The message installs what is missing."""
    monkeypatch.setitem(sys.modules, module, None)
    done = ensemble("sweep", *arguments)
    assert done.returncode == 2
    assert "is not installed. Install it with: pip install " in done.stderr
    assert f"ensemble[{extra}]" in done.stderr
