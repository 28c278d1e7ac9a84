"""Exit codes and messages: 1 when the Tesseract failed, 2 when the call was wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Cli, clean_environment
from tests.patience import SECONDS

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0]}}'

SCHEMAS = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: int = 0

class OutputSchema(BaseModel):
    y: int
"""
"""The schemas of a Tesseract; its test adds the rest."""

FAILING = SCHEMAS + "def apply(inputs):\n    raise ValueError('too stiff')\n"


def test_result_is_exit_code_0(here: Here, tesseract: Tesseract) -> None:
    """A successful command has a result on stdout and nothing on stderr."""
    ended = here("--api-path", str(tesseract()), "apply", PAYLOAD)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == (
        '{"y":{"object_type":"array","shape":[1],"dtype":"float64",'
        '"data":{"buffer":[2.0],"encoding":"json"}}}\n'
    )


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "EOF while parsing a value"),
        ("{", "EOF while parsing an object"),
        ('{"inputs": nonsense}', "expected"),
        ('{"inputs": {}} more', "trailing characters"),
        ("{'inputs': {}}", "key must be a string at line 1 column 2. Write double quotes."),
        ("{\"inputs\": 'x'}", "expected value at line 1 column 12. Write double quotes."),
    ],
)
def test_payload_that_is_no_json(
    here: Here, tesseract: Tesseract, payload: str, reason: str
) -> None:
    """Broken JSON is one line that says where it breaks."""
    ended = here("--api-path", str(tesseract()), "apply", payload)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: The payload is not valid json: ")
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_invalid_payload_lists_every_fault(here: Here, tesseract: Tesseract) -> None:
    """A payload that does not fit is refused once, with all its faults and their places."""
    payload = '{"inputs": {"x": ["a"], "q": 3}, "more": 1}'
    ended = here("--api-path", str(tesseract()), "apply", payload)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == (
        "Error: The payload of apply is not valid:\n"
        "  inputs.x: Could not parse value as a numeric array (contains non-numeric data)\n"
        "  inputs.q: Extra inputs are not permitted\n"
        "  more: Extra inputs are not permitted\n"
    )


def test_payload_that_is_no_object(here: Here, tesseract: Tesseract) -> None:
    """JSON that is not an object is a fault of the whole payload."""
    ended = here("--api-path", str(tesseract()), "apply", "[1]")
    assert ended.code == 2
    assert "  payload: Input should be a valid dictionary" in ended.stderr


def test_payload_that_is_no_text(tesseract: Tesseract) -> None:
    """Bytes that are not valid UTF-8 are refused without a traceback."""
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    ended = subprocess.run(
        [program, "--api-path", str(tesseract()), "apply", b'{"\xff": 1}'],
        env=clean_environment(),
        capture_output=True,
    )
    assert ended.returncode == 2
    assert ended.stderr == b"Error: The payload is not valid UTF-8.\n"


def test_missing_payload(here: Here, tesseract: Tesseract) -> None:
    """A command without the payload that it needs says so."""
    ended = here("--api-path", str(tesseract()), "apply")
    assert ended.code == 2
    assert "Missing argument 'JSON_PAYLOAD'" in ended.stderr


@pytest.mark.parametrize("command", ["apply", "check", "input-schema", "openapi-schema"])
def test_missing_file_of_the_tesseract(here: Here, tmp_path: Path, command: str) -> None:
    """A missing file is named, with the option that sets it."""
    ended = here(command, *([PAYLOAD] if command == "apply" else []))
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: No Tesseract at '{tmp_path / 'tesseract_api.py'}'. "
        "Name the file of one: on the command line with --api-path or TESSERACT_API_PATH.\n"
    )


def test_folder_as_tesseract(here: Here, tesseract: Tesseract, tmp_path: Path) -> None:
    """The Tesseract of a folder is its file `tesseract_api.py`."""
    ended = here("--api-path", str(tmp_path), "check")
    assert ended.code == 2
    assert f"No Tesseract at '{tmp_path / 'tesseract_api.py'}'." in ended.stderr
    assert here("--api-path", str(tesseract().parent), "check").code == 0
    assert (
        f"No Tesseract at '{tmp_path / ('n' * 300)}'."
        in here("--api-path", "n" * 300, "check").stderr
    )


def test_file_in_the_place_of_an_option(here: Here) -> None:
    """A Tesseract is named by an option, which the message has."""
    ended = here("serve", "model/x.py")
    assert ended.code == 2
    assert ended.stderr.endswith("Name the Tesseract with --api-path model/x.py.\n")


def test_file_that_is_no_python(here: Here, tmp_path: Path) -> None:
    """A file of another kind is refused with the name that it should have."""
    (tmp_path / "model.txt").write_text("x = 1")
    ended = here("--api-path", "model.txt", "check")
    assert ended.code == 1
    assert "its name must end with .py" in ended.stderr


def test_failing_import_shows_the_author_s_frames(here: Here, tesseract: Tesseract) -> None:
    """A failing import is shown with the frames of the author only."""
    path = tesseract("import broken_sibling", broken_sibling="def f():\n    return 1 / 0\n\nf()\n")
    ended = here("--api-path", str(path), "check")
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        "Error: tesseract_api.py cannot be imported: ZeroDivisionError: division by zero\n"
    )
    assert ended.stderr.count("  File ") == 3
    assert "broken_sibling.py" in ended.stderr
    assert "runtime_core" not in ended.stderr
    assert "importlib" not in ended.stderr


def test_missing_package_is_named(here: Here, tesseract: Tesseract) -> None:
    """A missing package that the file imports is named."""
    ended = here("--api-path", str(tesseract("import no_such_package")), "check")
    assert ended.code == 1
    assert "ModuleNotFoundError: No module named 'no_such_package'" in ended.stderr


def test_syntax_error_is_shown_with_its_line(here: Here, tesseract: Tesseract) -> None:
    """A syntax error is shown as Python shows it: file, line and place."""
    ended = here("--api-path", str(tesseract("x = (1,\ny = 2\n")), "check")
    assert ended.code == 1
    assert 'tesseract_api.py", line 1' in ended.stderr
    assert "SyntaxError: '(' was never closed" in ended.stderr
    assert "^" in ended.stderr


def test_sys_exit_at_import_is_a_failure(here: Here, tesseract: Tesseract) -> None:
    """A file that ends its import with `sys.exit(0)` has failed."""
    ended = here("--api-path", str(tesseract("import sys; sys.exit(0)")), "check")
    assert ended.code == 1
    assert "tesseract_api.py cannot be imported: SystemExit: 0" in ended.stderr


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SCHEMAS, "tesseract_api.py does not define a function 'apply'."),
        (SCHEMAS + "def aply(inputs): ...", "Did you mean 'aply'?"),
        (SCHEMAS + "apply = 3", "apply of tesseract_api.py is not a function, but 3."),
        ("def apply(inputs): ...", "tesseract_api.py does not define InputSchema."),
        ("class Inputschema: ...\ndef apply(inputs): ...", "Did you mean 'Inputschema'?"),
        (
            "class InputSchema: ...\ndef apply(inputs): ...",
            "InputSchema of tesseract_api.py must be a class that derives from pydantic.BaseModel",
        ),
        (
            SCHEMAS + "OutputSchema = OutputSchema(y=1)\ndef apply(inputs): ...",
            "OutputSchema of tesseract_api.py must be a class that derives from",
        ),
    ],
)
def test_file_that_lacks_something(
    here: Here, tesseract: Tesseract, source: str, message: str
) -> None:
    """A missing part of a Tesseract is named, with the nearest existing name."""
    ended = here("--api-path", str(tesseract(source)), "check")
    assert (ended.code, ended.stdout) == (1, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_unknown_command(here: Here) -> None:
    """A misspelled command is refused with the nearest one, and with all of them."""
    ended = here("aply", PAYLOAD)
    assert (ended.code, ended.stdout) == (2, "")
    assert "No such command 'aply'. Did you mean 'apply'? Commands: " in ended.stderr
    assert {"apply,", "check,", "health,", "plugins,"} <= set(ended.stderr.split())


def test_unknown_command_without_a_near_one(here: Here) -> None:
    """A command without a similar one is refused with the list alone."""
    ended = here("xyzzy")
    assert ended.code == 2
    assert "Did you mean" not in ended.stderr
    assert "No such command 'xyzzy'. Commands: " in ended.stderr


def test_no_command(here: Here) -> None:
    """Without any argument the help is shown, as for a wrong call; options alone do nothing."""
    ended = here()
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == here("--help").stdout
    assert "Missing command" in here("--debug").stderr


@pytest.mark.parametrize("arguments", [("--nonsense", "health"), ("health", "--nonsense")])
def test_unknown_option(here: Here, arguments: tuple[str, ...]) -> None:
    """An unknown option is named."""
    ended = here(*arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert "No such option: --nonsense" in ended.stderr


def test_surplus_argument(here: Here, tesseract: Tesseract) -> None:
    """A payload that the shell has split is refused, not cut."""
    ended = here("--api-path", str(tesseract()), "apply", '{"inputs":', "{}}")
    assert ended.code == 2
    assert "unexpected extra argument" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("health", "-f", "jsn"),
        ("health", "--output-format=jsn"),
        ("--output-format", "jsn", "health"),
    ],
)
def test_unknown_format(here: Here, arguments: tuple[str, ...]) -> None:
    """An unknown format is refused with the nearest one and all available ones."""
    ended = here(*arguments)
    assert (ended.code, ended.stdout) == (2, "")
    message = "Error: Unknown format 'jsn'. Did you mean 'json'? Available: json, json+base64"
    assert ended.stderr.startswith(message)
    assert ended.stderr.count("\n") == 1


def test_unknown_compression(here: Here, tesseract: Tesseract) -> None:
    """An unknown compression is named."""
    ended = here("--api-path", str(tesseract()), "--compression", "zip9", "apply", PAYLOAD)
    assert (ended.code, ended.stdout) == (2, "")
    assert "'zip9'" in ended.stderr


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_option_of_the_wrong_type_is_named(cli: Cli, value: str) -> None:
    """A variable whose value cannot be used is named with that value."""
    ended = cli("check", environment={"TESSERACT_DEBUG": value})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"TESSERACT_DEBUG={value!r}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.json", "No such file or directory"),
        ("folder", "it is not a regular file"),
        ("pipe.json", "it is not a regular file"),
        ("", "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("file:///no/such/file.json", "FileNotFoundError"),
        ("nonsense://a/b.json", "Protocol not known: nonsense"),
    ],
)
def test_payload_file_that_cannot_be_read(
    here: Here, tesseract: Tesseract, tmp_path: Path, name: str, reason: str
) -> None:
    """A payload that cannot be read is named with the reason; nothing waits for a writer."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    ended = here("--api-path", str(tesseract()), "apply", f"@{name}")
    assert (ended.code, ended.stdout) == (2, "")
    assert f"{name!r}" in ended.stderr
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_failure_of_the_author_is_short(here: Here, tesseract: Tesseract) -> None:
    """An exception of `apply` is one line with its place, the next step, and exit code 1."""
    path = tesseract(FAILING)
    ended = here("--api-path", str(path), "apply", '{"inputs": {}}')
    assert (ended.code, ended.stdout) == (1, "")
    error, hint = ended.stderr.splitlines()
    assert error == f"Error: ValueError: too stiff ({path}:10 in apply)"
    assert hint.startswith("The traceback is in /")
    assert hint.endswith("/logs/tesseract.log; --debug shows it.")


def test_debug_shows_the_author_s_traceback(here: Here, tesseract: Tesseract) -> None:
    """With `--debug` the frames of the author are shown, and none of the runtime."""
    path = tesseract(FAILING)
    ended = here("--debug", "--api-path", str(path), "apply", '{"inputs": {}}')
    assert ended.code == 1
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert f'File "{path}", line 10, in apply' in ended.stderr
    assert ended.stderr.endswith(f"\nError: ValueError: too stiff ({path}:10 in apply)\n")
    assert "runtime_core" not in ended.stderr


def test_debug_shows_the_cause(here: Here, tesseract: Tesseract) -> None:
    """With `--debug` an exception that was raised from another shows that one too."""
    source = (
        SCHEMAS
        + """
def apply(inputs):
    try:
        {}["tolerance"]
    except KeyError as error:
        raise ValueError("too stiff") from error
"""
    )
    ended = here("--debug", "--api-path", str(tesseract(source)), "apply", '{"inputs": {}}')
    assert ended.code == 1
    assert "KeyError: 'tolerance'" in ended.stderr


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("import sys; sys.exit('done')", "SystemExit: done"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("raise type('Stop', (BaseException,), {})('now')", "Stop: now"),
        ("return apply(inputs)", "RecursionError: maximum recursion depth exceeded"),
        ("return {'z': 1}", "which is not a valid OutputSchema"),
        ("return None", "which is not a valid OutputSchema"),
    ],
)
def test_other_failures_of_the_author(
    here: Here, tesseract: Tesseract, statement: str, message: str
) -> None:
    """Any failure of `apply` is exit code 1 and a message without a traceback."""
    path = tesseract(f"{SCHEMAS}def apply(inputs):\n    {statement}\n")
    ended = here("--api-path", str(path), "apply", '{"inputs": {}}')
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: ")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_interrupt_is_130(tesseract: Tesseract) -> None:
    """SIGINT in `apply` ends the command as shells expect it, without a traceback."""
    source = (
        SCHEMAS
        + """
def apply(inputs):
    import signal
    print("entered", flush=True)
    signal.pause()
"""
    )
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("tesseract-runtime")), "apply", '{"inputs": {}}'],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract(source))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == "entered\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr


def test_commands_of_one_process_do_not_disturb_each_other(
    here: Here, tesseract: Tesseract
) -> None:
    """Modules that the first command has loaded do not affect the second."""
    arguments = ("--api-path", str(tesseract()), "apply", PAYLOAD)
    assert [here(*arguments).code for _ in range(3)] == [0, 0, 0]


def test_disabling_the_core_is_refused(here: Here) -> None:
    """The core cannot be disabled, and an unknown name is refused."""
    assert here("--no-plugin", "core", "health").code == 2
    ended = here("--no-plugin=nonsense", "health")
    assert ended.code == 2
    assert "Unknown plugin 'nonsense' to disable." in ended.stderr
