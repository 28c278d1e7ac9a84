"""The command `test` runs files and folders of cases and reports the result of each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import pytest

from tests.conftest import Cli, clean_environment
from tests.patience import SECONDS
from tests.workbench.regression_test.conftest import OUTPUTS, PAYLOAD, SHAPES, case

if TYPE_CHECKING:
    from tests.cli.conftest import Ended, Here

Tesseract = Callable[..., Path]
RunTest = Callable[..., "Ended"]

PASSING = case(expected_outputs=OUTPUTS)
FAILING = case(expected_outputs={**OUTPUTS, "y": [6.0, 9.0], "count": 8})
ERRING = case(endpoint="aply", expected_outputs={})


@pytest.fixture
def run(here: Here, tesseract: Tesseract) -> RunTest:
    """Return a function that runs `test` on paths, with global options by name."""

    def run_test(*paths: str, source: str = SHAPES, flags: tuple[str, ...] = ()) -> Ended:
        return here("--api-path", str(tesseract(source)), *flags, "test", *paths)

    return run_test


def write(path: str, document: Any) -> str:
    """Write a document of JSON and return its path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(document))
    return path


def test_case_that_passes(run: RunTest) -> None:
    """A case that passes is one line, and the exit code is 0."""
    ended = run(write("cases/small.json", PASSING))
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == "passed  apply  cases/small.json\n1 passed, 0 failed, 0 errors\n"


def test_case_that_fails(run: RunTest) -> None:
    """Differences are listed below their case, and the exit code is 1."""
    ended = run(write("small.json", FAILING))
    assert ended.code == 1
    assert ended.stdout == (
        "failed  apply  small.json\n"
        "    count: expected 8, got 7\n"
        "    y: 1 of 2 elements differ by more than 1e-08 + 1e-05 * |expected|\n"
        "      [1]: expected 9.0, got 8.0\n"
        "0 passed, 1 failed, 0 errors\n"
    )


@pytest.mark.parametrize(
    ("document", "code", "status", "message"),
    [
        (PASSING, 0, "passed", ""),
        (FAILING, 1, "failed", "count: expected 8, got 7"),
        (ERRING, 1, "error", "Did you mean 'apply'?"),
    ],
)
def test_case_as_payload(run: RunTest, document: Any, code: int, status: str, message: str) -> None:
    """A case as JSON text or `@PATH` is answered as over HTTP, with the exit code of the table."""
    as_text = run(json.dumps(document))
    assert (as_text.code, as_text.stderr) == (code, "")
    assert as_text.stdout.endswith(f'"endpoint":"{document["endpoint"]}"}}\n')
    result = json.loads(as_text.stdout)
    assert [*result] == ["status", "message", "endpoint"]
    assert result["status"] == status
    assert message in result["message"]
    assert run("@" + write("case.json", document)) == as_text


def test_answer_of_a_passed_case(run: RunTest) -> None:
    """The answer is the line that programs of the original read."""
    answer = '{"status":"passed","message":"","endpoint":"apply"}\n'
    assert run(json.dumps(PASSING)).stdout == answer
    assert run(json.dumps([PASSING, PASSING])).stdout == 2 * answer


def test_paths_of_a_case_as_payload(run: RunTest) -> None:
    """Options of a case start from the folder of its file, as text from the working directory."""
    config = {"input_path": "in"}
    document = case(expected_outputs=OUTPUTS, cli_config=config)
    Path("cases/in").mkdir(parents=True)
    assert run("@" + write("cases/small.json", document)).code == 0
    assert run(json.dumps(document)).code == 0


def test_json_of_files(run: RunTest) -> None:
    """With `--json` each case of a file or folder is a line of JSON with its name."""
    write("cases/a.json", PASSING)
    write("cases/b.json", [FAILING])
    ended = run("cases", "--json")
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.code == 1
    assert [(result["case"], result["status"]) for result in results] == [
        ("cases/a.json", "passed"),
        ("cases/b.json[0]", "failed"),
    ]


@pytest.mark.parametrize("text", ["{", "@none.json"])
def test_payload_that_is_no_case(run: RunTest, text: str) -> None:
    """A case that cannot be read is a wrong call, as a file of cases is."""
    ended = run(text)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1


def test_case_that_is_an_error(run: RunTest) -> None:
    """A case that cannot be run is an error, not a failure; the exit code is 1 too."""
    ended = run(write("small.json", ERRING))
    assert ended.code == 1
    first, second, last = ended.stdout.splitlines()
    assert first == "error   aply  small.json"
    assert second.startswith("    Unknown endpoint 'aply'. Did you mean 'apply'?")
    assert last == "0 passed, 0 failed, 1 error"


@pytest.mark.parametrize(
    ("document", "first", "faults"),
    [
        (
            {"endpoint": "apply", "expected_output": {}, "atol": "much"},
            "error   apply  case.json",
            [
                "    expected_exception: A case needs either expected_outputs or "
                "expected_exception, and has neither",
                "    atol: Input should be a valid number, unable to parse string as a number",
                "    expected_output: Extra inputs are not permitted. "
                "Did you mean 'expected_outputs'?",
            ],
        ),
        (
            {"endpoint": 3, "expected_outputs": {}},
            "error   -  case.json",
            ["    endpoint: Input should be a valid string"],
        ),
        (
            "apply",
            "error   -  case.json",
            ["    case: Input should be a valid dictionary or instance of RegressionCase"],
        ),
    ],
)
def test_malformed_case(run: RunTest, document: Any, first: str, faults: list[str]) -> None:
    """An invalid case is an error with all its faults, and exit code 1."""
    ended = run(write("case.json", document))
    assert ended.code == 1
    assert ended.stdout.splitlines() == [
        first,
        "    This is not a valid case:",
        *faults,
        "0 passed, 0 failed, 1 error",
    ]


def test_list_of_cases(run: RunTest) -> None:
    """A file can contain several cases, which are labelled by index."""
    ended = run(write("many.json", [PASSING, FAILING, 3, ERRING, PASSING]))
    assert ended.code == 1
    summaries = [line for line in ended.stdout.splitlines() if not line.startswith(" ")]
    assert summaries == [
        "passed  apply  many.json[0]",
        "failed  apply  many.json[1]",
        "error   -  many.json[2]",
        "error   aply  many.json[3]",
        "passed  apply  many.json[4]",
        "2 passed, 1 failed, 2 errors",
    ]


def test_files_and_folders(run: RunTest) -> None:
    """Folders stand for all their cases, sorted; the order of arguments is kept."""
    for path in ("cases/b.json", "cases/a/z.json", "cases/c.json", "single.json"):
        write(path, PASSING)
    Path("cases/README.md").write_text("No case.")
    Path("cases/folder.json").mkdir()
    ended = run("single.json", "cases")
    assert ended.code == 0
    assert [line.split()[-1] for line in ended.stdout.splitlines()] == [
        "single.json",
        "cases/a/z.json",
        "cases/b.json",
        "cases/c.json",
        "errors",
    ]


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("none.json", None, "Cannot read 'none.json': No such file or directory."),
        ("a.json", "{", "The case file 'a.json' is not valid json: EOF"),
        ("a.json", "[]", "There are no cases in 'a.json': its list is empty."),
    ],
)
def test_file_that_holds_no_cases(run: RunTest, path: str, text: str | None, message: str) -> None:
    """An unreadable file is a usage error: no case is run, and the message is one line."""
    if text is not None:
        Path(path).write_text(text)
    ended = run(write("good.json", PASSING), path)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Error: {message}")
    assert ended.stderr.count("\n") == 1


def test_folder_without_cases(run: RunTest) -> None:
    """An empty folder is a usage error: nothing would be tested."""
    Path("empty/inner").mkdir(parents=True)
    ended = run("empty")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(
        "Error: There are no cases in 'empty': no file in it ends with .json"
    )


def test_largest_differences_come_first(run: RunTest) -> None:
    """Outputs are ordered by how far they are off, in tolerances."""
    far = {"y": [6.0, 8.001], "norm": 6.0, "label": "ko"}
    ended = run(write("case.json", case(expected_outputs=far)))
    places = [line.split()[0] for line in ended.stdout.splitlines()[1:-1]]
    assert places == ["label:", "norm:", "y:", "[1]:"]


def test_no_path(here: Here, tesseract: Tesseract) -> None:
    """Without a path the cases are those of `test_cases` beside the Tesseract, which must exist."""
    path = tesseract(SHAPES)
    ended = here("--api-path", str(path), "test")
    assert (ended.code, ended.stdout) == (2, "")
    assert (
        "test_cases' does not exist. Name cases, or record one: tesseract-runtime test"
        in ended.stderr
    )
    write(str(path.parent / "test_cases/small.json"), PASSING)
    ended = here("--api-path", str(path), "test")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.endswith("1 passed, 0 failed, 0 errors\n")


RECORDED = """{
  "endpoint": "jacobian",
  "payload": {
    "inputs": {
      "x": [3.0, 4.0]
    },
    "jac_inputs": ["x"],
    "jac_outputs": ["y"]
  },
  "rtol": 1e-06,
  "expected_outputs": {
    "y": {
      "x": {
        "object_type": "array",
        "shape": [2, 2],
        "dtype": "float64",
        "data": {
          "buffer": [
            [2.0, 0.0],
            [0.0, 2.0]
          ],
          "encoding": "json"
        }
      }
    }
  }
}
"""


def test_recorded_case(run: RunTest) -> None:
    """`--record` writes a payload and its result as a case that passes, in lines to compare."""
    write("inputs.json", PAYLOAD)
    paths = ("--endpoint", "jacobian", "--wrt", "x", "--of", "y")
    ended = run("--record", "cases/j.json", "@inputs.json", *paths, "--rtol", "1e-6")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == "recorded  jacobian  cases/j.json\n"
    assert Path("cases/j.json").read_text() == RECORDED
    assert run("--record", "cases/a.json", "@inputs.json", "--atol", "0").code == 0
    assert json.loads(Path("cases/a.json").read_text())["atol"] == 0
    assert run("cases").stdout.endswith("2 passed, 0 failed, 0 errors\n")


def test_recorded_case_of_another_format(run: RunTest) -> None:
    """A case is written in the format of its suffix; JSON has no place for binary arrays."""
    data = {"encoding": "raw", "buffer": np.array([3.0, 4.0]).tobytes()}
    numbers = {"shape": [2], "dtype": "float64", "data": data}
    Path("in.msgpack").write_bytes(msgpack.packb({"inputs": {"x": numbers}}))
    assert run("--record", "cases/a.msgpack", "@in.msgpack").code == 0
    assert run("cases").stdout == "passed  apply  cases/a.msgpack\n1 passed, 0 failed, 0 errors\n"
    ended = run("--record", "cases/a.json", "@in.msgpack")
    assert (ended.code, ended.stdout) == (2, "")
    assert "payload in JSON" in ended.stderr
    assert not Path("cases/a.json").exists()


def test_case_that_cannot_be_recorded(run: RunTest) -> None:
    """A call that fails is reported as an error, and nothing is written."""
    for payload, text in [
        ({"inputs": {"x": [1], "raises": "stiff"}}, "TooStiff: too stiff at step 3"),
        ({"inputs": {}}, "The payload of apply is not valid:\n    inputs.x: Field required"),
    ]:
        ended = run("--record", "a.json", json.dumps(payload))
        assert ended.code == 1
        assert ended.stdout.startswith(f"error   apply  a.json\n    {text}")
        assert not Path("a.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--record", "new.txt", "{}"],
            "'new.txt' would not be run with its folder: its name must",
        ),
        (["--record", "new.json"], "Name one payload: test --record new.json @inputs.json."),
        (["--record", "here.json", "{}"], "'here.json' exists already: record its cases anew with"),
        (["--record", "a.json", "{}", "--wrt", "x"], "apply has no paths: leave out --wrt and"),
        (["--rtol", "1", "here.json"], "--rtol goes with --record FILE, which writes a new case."),
        (["--update", "@here.json"], "--update writes to files of cases: name files or folders"),
    ],
)
def test_options_that_do_not_fit(run: RunTest, arguments: list[str], message: str) -> None:
    """Options that would be ignored, and files that would be overwritten, are usage errors."""
    write("here.json", PASSING)
    ended = run(*arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert json.loads(Path("here.json").read_text()) == PASSING


def test_updated_cases(run: RunTest) -> None:
    """`--update` writes outputs that differ, shows how, and leaves all else as it was."""
    raised = case(expected_exception="ValueError")
    write("many.json", [PASSING, FAILING | {"rtol": 0.1}, raised, ERRING])
    write("one.json", FAILING)
    ended = run("many.json", "one.json", "--update")
    assert ended.code == 1
    assert (
        "updated  apply  many.json[1]\n    count: expected 8, got 7\n    y: 1 of 2" in ended.stdout
    )
    assert ended.stdout.endswith("1 passed, 1 failed, 1 error, 2 updated\n")
    cases = json.loads(Path("many.json").read_text())
    assert [cases[0], *cases[2:]] == [PASSING, raised, ERRING]
    assert cases[1]["rtol"] == 0.1
    assert run("one.json", "--update").stdout.endswith("1 passed, 0 failed, 0 errors\n")


def test_tesseract_that_cannot_be_loaded(run: RunTest) -> None:
    """A broken file is reported once, not with each case."""
    ended = run(write("many.json", [PASSING, PASSING]), source="import nonsense")
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.count("No module named 'nonsense'") == 1
    assert "many.json" not in ended.stderr


def test_tesseract_that_is_not_there(here: Here) -> None:
    """A missing file is a usage error."""
    ended = here("test", write("case.json", PASSING))
    assert (ended.code, ended.stdout) == (2, "")
    assert "No Tesseract at" in ended.stderr


def test_debug_shows_where(run: RunTest) -> None:
    """With `--debug` an unexpected exception is shown with its traceback."""
    payload = {"inputs": {"x": [1.0], "raises": "stiff"}}
    write("case.json", case(payload=payload, expected_outputs={}))
    assert "Traceback" not in run("case.json").stdout
    shown = run("case.json", flags=("--debug",)).stdout
    assert "    Traceback (most recent call last):\n" in shown
    assert "in apply\n" in shown


CONFIGURED = """
from pydantic import BaseModel, field_validator
from runtime_core.calls import scope
from tesseract_core.runtime.config import get_config

class InputSchema(BaseModel):
    file: str = "x.txt"

    @field_validator("file")
    @classmethod
    def read(cls, file):
        return scope.current().files.read(file).decode()

class OutputSchema(BaseModel):
    text: str
    name: str
    output_path: str

def apply(inputs):
    config = get_config()
    return OutputSchema(text=inputs.file, name=config.name, output_path=config.output_path)
"""


def test_cli_config_is_that_of_one_case(run: RunTest, tmp_path: Path) -> None:
    """Options of a case apply to it alone; its paths are relative to its file."""
    for folder in ("global", "cases/data"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.txt").write_text(f"in {folder}")

    def expecting(text: str, name: str, output_path: str) -> dict[str, Any]:
        outputs = {"text": text, "name": name, "output_path": str(tmp_path / output_path)}
        return case(payload={"inputs": {"file": "x.txt"}}, expected_outputs=outputs)

    own = {
        "input_path": "data",
        "output_path": "../out",
        "name": "one",
        "version": None,
        "volumes": ["a:b"],
        "api_path": "elsewhere.py",
    }
    write(
        "cases/cases.json",
        [
            expecting("in cases/data", "one", "cases/../out") | {"cli_config": own},
            expecting("in global", "all", "runs"),
            expecting("in global", "all", "runs")
            | {"cli_config": {"input_path": str(tmp_path / "global")}},
        ],
    )
    flags = ("--input-path", "global", "--output-path", "runs", "--name", "all")
    ended = run("cases/cases.json", source=CONFIGURED, flags=flags)
    assert ended.stdout.endswith("3 passed, 0 failed, 0 errors\n"), ended.stdout


def test_cli_config_that_cannot_be_used(run: RunTest) -> None:
    """An invalid option is an error of its case."""
    write("case.json", PASSING | {"cli_config": {"debug": "maybe", "input_path": 3}})
    ended = run("case.json")
    assert ended.code == 1
    assert "    cli_config: " in ended.stdout
    assert "--debug='maybe': Input should be a valid boolean" in ended.stdout
    assert "--input-path=3: Input should be a valid string" in ended.stdout


def test_files_of_a_url(run: RunTest) -> None:
    """A case is read from any URL of fsspec."""
    path = Path(write("case.json", PASSING)).absolute()
    ended = run(f"file://{path}")
    assert ended.stdout.startswith(f"passed  apply  file://{path}\n")


NOISY = SHAPES.replace(
    "def apply(inputs):\n",
    "def apply(inputs):\n"
    "    import ctypes, os, subprocess\n"
    '    print("python")\n'
    '    os.write(1, b"descriptor\\n")\n'
    '    subprocess.run(["echo", "subprocess"])\n'
    '    ctypes.CDLL(None).printf(b"C\\n")\n',
)


def test_stdout_holds_the_report_alone(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """The report is all of stdout, whatever user code prints."""
    path = write(str(tmp_path / "case.json"), [PASSING, FAILING])
    ended = cli("--api-path", str(tesseract("print('import')\n" + NOISY)), "test", path)
    assert ended.returncode == 1
    assert ended.stdout == (
        f"passed  apply  {path}[0]\n"
        f"failed  apply  {path}[1]\n"
        "    count: expected 8, got 7\n"
        "    y: 1 of 2 elements differ by more than 1e-08 + 1e-05 * |expected|\n"
        "      [1]: expected 9.0, got 8.0\n"
        "1 passed, 1 failed, 0 errors\n"
    )
    noise = {"import", "python", "descriptor", "subprocess", "C"}
    assert set(ended.stderr.splitlines()) == noise


def test_reader_that_has_gone_does_not_change_the_exit_code(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """All cases run and count, even if the reader of the report exits."""
    path = write(str(tmp_path / "case.json"), [FAILING])
    program = 'tesseract-runtime test "$0" | :; exit ${PIPESTATUS[0]}'
    ended = subprocess.run(
        ["bash", "-c", program, path],
        env=clean_environment()
        | {
            "TESSERACT_API_PATH": str(tesseract(SHAPES)),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")


def test_recorded_case_with_a_file_of_the_run(here: Here, tesseract: Tesseract) -> None:
    """A file in the folder of a run is that in the folder of another run; its name counts."""
    source = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import OutputPath, run_directory

class InputSchema(BaseModel):
    name: str = "a.txt"

class OutputSchema(BaseModel):
    file: OutputPath

def apply(inputs):
    file = run_directory() / inputs.name
    file.touch()
    return OutputSchema(file=file)
"""
    options = ("--api-path", str(tesseract(source)), "--output-path", "out")
    assert here(*options, "test", "--record", "a.json", '{"inputs": {}}').code == 0
    shutil.rmtree("out")
    assert here(*options, "test", "a.json").code == 0
    case = json.loads(Path("a.json").read_text())
    case["payload"]["inputs"]["name"] = "b.txt"
    ended = here(*options, "test", json.dumps(case))
    assert ended.code == 1
    assert "a.txt" in ended.stdout


def test_recorded_gradient_needs_its_backend(here: Here, tesseract: Tesseract) -> None:
    """A gradient of a backend is found by plain `test` once the file chooses the backend."""
    path = tesseract()
    options = ("--api-path", str(path), "--gradient-backend", "auto")
    paths = ("--endpoint", "jacobian", "--wrt", "x", "--of", "y")
    recorded = here(*options, "test", "--record", "j.json", '{"inputs": {"x": [1]}}', *paths)
    assert (recorded.code, recorded.stderr) == (0, "")
    plain = here("--api-path", str(path), "test", "j.json")
    assert (plain.code, "with --gradient-backend: auto, " in plain.stdout) == (1, True)
    path.write_text(path.read_text() + "gradient_backend = 'auto'\n")
    assert here("--api-path", str(path), "test", "j.json").code == 0
