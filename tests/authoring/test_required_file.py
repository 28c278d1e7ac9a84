"""`require_file`: files that a Tesseract needs, checked while it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime_core.errors import FileRefused, MissingFile
from tesseract_runtime_authoring import SKIP_REQUIRED_FILE_CHECK, require_file
from tests.authoring.conftest import SERVINGS, Calling, Made, answer
from tests.conftest import Cli, clean_environment
from tests.server.conftest import Log, started

SOURCE = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import require_file

NOTES = require_file("NAME")

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    text: str

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(text=NOTES.read_text())
"""

PRESENT = SOURCE.replace("NAME", "notes.txt")
ABSENT = SOURCE.replace("NAME", "weights.bin")


@SERVINGS
def test_a_required_file_is_found_in_the_input_path(remote: bool, made: Made) -> None:
    """The file is there when `apply` runs."""
    assert answer(made(PRESENT, remote=remote), {}) == {"text": "notes"}


@SERVINGS
@pytest.mark.parametrize("name", ["notes.txt", Path("meshes"), "link"])
def test_the_path_is_absolute(
    name: str | Path, remote: bool, inputs: Path, calling: Calling
) -> None:
    """The returned path can be opened from any folder."""
    with calling(remote=remote):
        assert require_file(name) == (inputs / name).resolve()


def test_a_server_without_an_input_path_has_its_own_folder(
    monkeypatch: pytest.MonkeyPatch, inputs: Path, calling: Calling
) -> None:
    """A required file need not be readable by remote callers."""
    monkeypatch.chdir(inputs)
    with calling(remote=True, input_path=None):
        assert require_file("notes.txt") == inputs / "notes.txt"


def test_a_missing_file_is_an_error_of_both_kinds(inputs: Path, calling: Calling) -> None:
    """The error is one of the runtime and of Python, and gives the next step."""
    with calling(), pytest.raises(FileNotFoundError) as caught:
        require_file("weights.bin")
    assert isinstance(caught.value, MissingFile)
    assert str(caught.value) == (
        f"The required file 'weights.bin' is not in the input path {str(inputs)!r}. "
        "Name the folder that it is in with --input-path or TESSERACT_INPUT_PATH."
    )


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "up/secret"])
def test_a_file_outside_is_refused(name: str, calling: Calling) -> None:
    """A required file must be in the input path."""
    with calling(), pytest.raises(FileRefused, match="lies outside of the input path"):
        require_file(name)


def test_a_tesseract_without_its_file_cannot_be_loaded(made: Made) -> None:
    """Loading says which file is missing."""
    with pytest.raises(MissingFile, match=r"The required file 'weights\.bin' is not in the in"):
        _ = made(ABSENT).api


@pytest.mark.parametrize("command", [("check",), ("apply", '{"inputs": {}}')])
def test_the_command_line_tells_it(
    command: tuple[str, ...], cli: Cli, made: Made, tmp_path: Path
) -> None:
    """Commands that need the file end with its name and no traceback of the runtime."""
    made(ABSENT)
    ended = cli("--api-path", "tesseract/tesseract_api.py", *command)
    assert ended.returncode == 2
    assert f"'weights.bin' is not in the input path {str(tmp_path)!r}" in ended.stderr
    assert ended.stdout == ""


def test_a_server_does_not_start_without_it(made: Made, tmp_path: Path) -> None:
    """`serve` exits and names the missing file."""
    made(ABSENT)
    with started(tmp_path / "tesseract" / "tesseract_api.py", "serve", "-p", "0") as process:
        told = Log(process).wait_for_end()
        assert process.wait() != 0
    assert "The required file 'weights.bin' is not in the input path" in told


def test_nothing_is_required_while_an_image_is_built(cli: Cli, made: Made) -> None:
    """The file may be missing while an image is built."""
    made(ABSENT)
    environment = {"_TESSERACT_IS_BUILDING": "1"}
    ended = cli("--api-path", "tesseract/tesseract_api.py", "check", environment=environment)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("value", "skipped"), [("1", "True"), ("0", "False"), ("", "False")])
def test_the_variable_switches_the_check_off(value: str, skipped: str) -> None:
    """The constant is true during a build."""
    program = (
        "from tesseract_core.runtime.experimental import SKIP_REQUIRED_FILE_CHECK as skip\n"
        "print(skip)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment() | {"_TESSERACT_IS_BUILDING": value},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == skipped


def test_files_are_required_by_default() -> None:
    """Outside of a build the check is not skipped."""
    assert SKIP_REQUIRED_FILE_CHECK is False
