"""Files, sequences and references on the command line, with the rights of a local user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.authoring.conftest import Made, write_points
from tests.authoring.test_openapi import EVERYTHING
from tests.cli.conftest import Here
from tests.conftest import Cli

API = "--api-path=tesseract/tesseract_api.py"


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no test here needs another one."""
    return cli_here


@pytest.fixture
def made_here(made: Made, inputs: Path, outputs: Path) -> None:
    """Write the Tesseract and its files into the working directory of commands."""
    made(EVERYTHING)
    write_points(inputs / "points", 2)
    for path in (inputs / "points").iterdir():
        path.write_text('{"x": [1, 2]}')


def payload(**inputs: object) -> str:
    """Return a payload of the Tesseract."""
    plain = {"points": "@points/*.json", "path": "notes.txt", "to": "new.txt"}
    return json.dumps({"inputs": {**plain, **inputs}})


def test_a_call_reads_and_writes_files(
    cli: Cli, made_here: None, inputs: Path, outputs: Path
) -> None:
    """Inputs are read from the input path, and files are written to the output path."""
    ended = cli(API, "--input-path=inputs", "--output-path=outputs", "apply", payload())
    assert ended.returncode == 0, ended.stderr
    written = json.loads(ended.stdout)
    assert (written["path"], written["to"]) == ("notes.txt", "new.txt")
    assert [point["x"]["data"]["buffer"] for point in written["points"]] == [[1.0, 2.0]] * 2
    assert (outputs / "new.txt").read_text() == "done"


def test_both_paths_are_the_working_directory_by_default(
    cli: Cli, made_here: None, inputs: Path
) -> None:
    """Without options names are relative to the working directory."""
    ended = cli("--api-path=../tesseract/tesseract_api.py", "apply", payload(), cwd=inputs)
    assert ended.returncode == 0, ended.stderr
    assert (inputs / "new.txt").read_text() == "done"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "none.txt"}, "inputs.path: There is no 'none.txt' in the input path '"),
        ({"path": "../secret"}, "inputs.path: '../secret' lies outside of the input path '"),
        ({"to": "/etc/x"}, "inputs.to: '/etc/x' lies outside of the output path '"),
        ({"points": "@none*"}, "inputs.points: No file matches '@none*' in the input path '"),
        ({"points": "none"}, "inputs.points: Input should be a list, or '@' and a glob of files"),
        ({"solver": {"type": "image", "ref": "a:1"}}, "inputs.solver: The image 'a:1' is not sta"),
        ({"solver": {"type": "api_path", "ref": "x.py"}}, "inputs.solver: No Tesseract 'x.py'"),
    ],
)
def test_a_wrong_payload_is_reported_in_a_line(
    change: dict[str, object], message: str, here: Here, made_here: None
) -> None:
    """The message names the path, the value and the folder; the exit code is 2."""
    ended = here(API, "--input-path=inputs", "--output-path=outputs", "apply", payload(**change))
    assert ended.code == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_item_is_named(here: Here, made_here: None, inputs: Path) -> None:
    """The message names the file and the path inside of it, without a traceback."""
    (inputs / "points" / "0001.json").write_text('{"x": ["a"]}')
    ended = here(API, "--input-path=inputs", "--output-path=outputs", "apply", payload())
    assert ended.code in (1, 2)
    assert "item 'points/0001.json'.x: Could not parse value as a numeric array" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_help_shows_the_types(here: Here, made_here: None) -> None:
    """The help shows the type of each field."""
    told = here(API, "apply", "--help").stdout
    assert "points: LazySequence[Point] -- Where." in told
    assert "path: InputPath -- What." in told
    assert "solver: TesseractReference | None = None" in told
