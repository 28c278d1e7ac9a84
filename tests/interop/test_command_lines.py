"""The same commands do the same in the command lines of this project and of the original."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import RUNTIME, environment
from tests.patience import SECONDS

ORIGINAL = [str(Path(sys.executable).with_name("tesseract-runtime"))]

WRITES_A_FILE = """
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64
from tesseract_core.runtime.config import get_config

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]
    text: str

def apply(inputs):
    path = Path(get_config().output_path, "note.txt")
    path.write_text("written")
    return OutputSchema(y=2 * inputs.x, text=path.read_text())
"""

PAYLOAD = '{"inputs": {"x": [1, 2]}}'
ANSWER = {
    "y": {
        "object_type": "array",
        "shape": [2],
        "dtype": "float64",
        "data": {"buffer": [2.0, 4.0], "encoding": "json"},
    },
    "text": "written",
}
CASE = {"endpoint": "apply", "payload": json.loads(PAYLOAD), "expected_outputs": ANSWER}
OTHER = {**CASE, "expected_outputs": {**ANSWER, "text": "other"}}

Command = Any


@pytest.fixture(params=[RUNTIME, ORIGINAL], ids=["ours", "original"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Command:
    """Return a function that runs a command line in the folder of a Tesseract."""
    (tmp_path / "tesseract_api.py").write_text(WRITES_A_FILE, encoding="utf-8")
    (tmp_path / "payload.txt").write_text(PAYLOAD)
    (tmp_path / "case.json").write_text(json.dumps(CASE))

    def run_one(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*request.param, *arguments],
            env=environment(api_path="tesseract_api.py", **options),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    return run_one


@pytest.mark.parametrize("arguments", [["apply"], ["--output-path", "new/folder", "apply"]])
def test_output_folder_is_there_before_user_code_runs(
    run: Command, arguments: list[str], tmp_path: Path
) -> None:
    """A file writes to a new output path, given as an option or a variable."""
    options = {} if len(arguments) > 1 else {"output_path": "new/folder"}
    done = run(*arguments, PAYLOAD, **options)
    assert (done.returncode, json.loads(done.stdout)) == (0, ANSWER)
    assert (tmp_path / "new" / "folder" / "note.txt").read_text() == "written"


def test_payload_of_unknown_suffix_is_json(run: Command) -> None:
    """A payload is read from a file whatever its name."""
    assert json.loads(run("apply", "@payload.txt").stdout) == ANSWER


@pytest.mark.parametrize("form", ["json", "json+base64"])
def test_global_options_come_before_the_command(run: Command, form: str) -> None:
    """Programs of the original give options before the command, the only order that it has."""
    done = run("--output-path", "results", "--output-format", form, "apply", PAYLOAD)
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert answer["y"]["data"]["encoding"] == form.rpartition("+")[2]


@pytest.mark.parametrize("case", [json.dumps(CASE), "@case.json"])
def test_case_passes(run: Command, case: str) -> None:
    """A case is given as text and as a file, and its verdict is one line of JSON."""
    done = run("test", case)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"status": "passed", "message": "", "endpoint": "apply"}


def test_case_fails(run: Command) -> None:
    """The verdict names the status and the endpoint; exit codes are those of each."""
    told = json.loads(run("test", json.dumps(OTHER)).stdout)
    assert (told["status"], told["endpoint"]) == ("failed", "apply")
    assert "text" in told["message"]


def test_tracing_logs_inputs_and_outputs(run: Command) -> None:
    """A trace names the endpoint, what it was given and what it returned."""
    done = run("apply", PAYLOAD, tracing="1")
    assert done.returncode == 0
    assert all(text in done.stderr for text in ("apply", "x", "float64", "written")), done.stderr
    assert json.loads(done.stdout) == ANSWER


def test_arguments_of_mlflow_fail_no_call_that_logs_nothing(run: Command) -> None:
    """A dict of arguments for runs of MLflow is taken where nothing is sent there."""
    arguments = "{'description': 'a note', 'tags': {'a': 'b'}, 'log_system_metrics': None}"
    done = run("apply", PAYLOAD, mlflow_run_extra_args=arguments)
    assert (done.returncode, json.loads(done.stdout)) == (0, ANSWER), done.stderr
