"""`OutputPath`: written files in results, and names of files to write in payloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError

from runtime_core.errors import FaultKind
from tesseract_runtime_authoring import InputPath, OutputPath
from tests.authoring.conftest import (
    SERVINGS,
    Calling,
    Made,
    answer,
    fault,
    invoke,
    read,
    refused,
    schema_of,
)
from tests.conftest import Cli


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no test here needs another one."""
    return cli_here


def returned(annotation: Any, value: Any) -> Any:
    """Validate a field of a result as the runtime does."""
    return TypeAdapter(annotation).validate_python(value)


@SERVINGS
@pytest.mark.parametrize("name", ["old.txt", "./old.txt", "../outputs/old.txt", "."])
def test_what_exists_becomes_an_absolute_path(
    name: str, remote: bool, outputs: Path, calling: Calling
) -> None:
    """A result names files relative to the output path."""
    with calling(remote=remote):
        assert returned(OutputPath, name) == (outputs / name).resolve()


@SERVINGS
def test_an_author_may_give_absolute_paths(remote: bool, outputs: Path, calling: Calling) -> None:
    """Any `pathlib` path of the author is relative in the document."""
    with calling(remote=remote):
        adapter = TypeAdapter(OutputPath)
        path = adapter.validate_python(outputs / "old.txt")
        assert path == outputs / "old.txt"
        assert adapter.dump_python(path, mode="json") == "old.txt"
        assert adapter.dump_python(path) == "old.txt"


@SERVINGS
@pytest.mark.parametrize("name", ["new.txt", "old.txt/x", "none/old.txt"])
def test_a_result_that_was_not_written_is_reported(
    name: str, remote: bool, calling: Calling
) -> None:
    """A result cannot name a missing file."""
    with calling(remote=remote), pytest.raises(ValidationError, match=rf"There is no '{name}' in"):
        returned(OutputPath, name)


@SERVINGS
@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "link"])
@pytest.mark.parametrize("use", [returned, read])
def test_nothing_outside_is_named(
    use: Any, name: str, remote: bool, outputs: Path, calling: Calling
) -> None:
    """Neither a payload nor a result leads out of the output path."""
    (outputs / "link").symlink_to("../secret")
    told = "lies outside of the output path"
    with calling(remote=remote), pytest.raises(ValidationError, match=told):
        use(OutputPath, name)


@SERVINGS
@pytest.mark.parametrize("name", ["new.txt", "deep/er/new.txt"])
def test_a_payload_names_what_is_to_be_written(
    name: str, remote: bool, outputs: Path, calling: Calling
) -> None:
    """A path in a payload need not exist, and is not created."""
    with calling(remote=remote):
        path = read(OutputPath, name)
        assert path == outputs / name
        assert not path.parent.is_dir() or path.parent == outputs
        assert TypeAdapter(OutputPath).dump_python(path, mode="json") == name


@pytest.mark.parametrize("name", ["old.txt", "link", "../outputs/old.txt"])
def test_a_remote_caller_names_nothing_that_exists(
    name: str, outputs: Path, calling: Calling
) -> None:
    """Remote callers cannot overwrite or read the files of others."""
    (outputs / "link").symlink_to("old.txt")
    with calling(remote=True):
        told = refused(OutputPath, name)
    assert told["type"] == "file_refused"
    assert told["msg"] == f"{name!r} exists already in the output path: choose a new name."


def test_the_command_line_may_overwrite(outputs: Path, calling: Calling) -> None:
    """The user of the command line can overwrite files."""
    with calling():
        assert read(OutputPath, "old.txt") == outputs / "old.txt"


@SERVINGS
@pytest.mark.parametrize("name", ["", ".", "../outputs"])
def test_the_folder_itself_is_not_to_be_written(name: str, remote: bool, calling: Calling) -> None:
    """A payload names a path inside the output path, not the folder itself."""
    with calling(remote=remote):
        assert "itself: name something in it" in refused(OutputPath, name)["msg"]


def test_a_remote_output_path_has_no_paths(calling: Calling) -> None:
    """An output path that is a URL is reported with the option to change."""
    with calling(output_path="s3://bucket/runs"):
        told = refused(OutputPath, "new.txt")["msg"]
    assert told.startswith("There are no paths in the output path 's3://bucket/runs'")


def test_the_json_schema_is_that_of_a_text() -> None:
    """The schema says string and what it is relative to."""
    assert schema_of(OutputPath) == {
        "type": "string",
        "format": "path",
        "description": "A file or folder, relative to the output path.",
    }


WRITER = """
from pathlib import Path
from typing import Annotated
from pydantic import AfterValidator, BaseModel
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import OutputPath

class InputSchema(BaseModel):
    name: OutputPath
    text: str = "text"

class Files(BaseModel):
    one: OutputPath
    many: list[OutputPath]
    optional: OutputPath | None = None
    named: dict[str, OutputPath] = {}

class OutputSchema(BaseModel):
    files: Files
    folder: Annotated[OutputPath, AfterValidator(lambda path: path.parent)]

def apply(inputs: InputSchema) -> OutputSchema:
    inputs.name.parent.mkdir(parents=True, exist_ok=True)
    inputs.name.write_text(inputs.text)
    path = inputs.name
    files = Files(one=path, many=[str(path), path.name], named={"a": path})
    assert files.one == Path(get_config().output_path) / path.name
    return OutputSchema(files=files, folder=path)
"""


@SERVINGS
def test_a_tesseract_writes_what_it_returns(remote: bool, made: Made, outputs: Path) -> None:
    """Paths of a result are relative in the document, in any position."""
    written = answer(made(WRITER, remote=remote), {"name": "new.txt"})
    assert written["files"] == {
        "one": "new.txt",
        "many": ["new.txt", "new.txt"],
        "optional": None,
        "named": {"a": "new.txt"},
    }
    assert written["folder"] == "."
    assert (outputs / "new.txt").read_text() == "text"


def test_the_second_call_of_a_remote_caller_is_refused(made: Made, outputs: Path) -> None:
    """A second call cannot overwrite the file of the first."""
    runtime = made(WRITER, remote=True)
    answer(runtime, {"name": "new.txt"})
    reply = invoke(runtime, {"name": "new.txt", "text": "other"})
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in reply.fault.details] == [["inputs", "name"]]
    assert (outputs / "new.txt").read_text() == "text"


def test_a_result_that_does_not_exist_is_the_authors_fault(made: Made) -> None:
    """An author who returns a file that was not written learns which one."""
    forgetful = WRITER.replace("inputs.name.write_text(inputs.text)", "pass")
    assert "There is no '" in fault(made(forgetful), {"name": "new.txt"})


def test_a_dict_of_an_author_is_validated_too(made: Made) -> None:
    """A dict returned by `apply` is validated alike."""
    source = WRITER.partition("    path = ")[0] + "    return {'files': {}, 'folder': '/etc'}\n"
    assert "'/etc' lies outside of the output path" in fault(made(source), {"name": "new.txt"})


def test_both_kinds_of_paths_keep_apart(made: Made, calling: Calling) -> None:
    """In one model each type uses its own folder."""

    class Both(BaseModel):
        read: InputPath
        written: Annotated[OutputPath, AfterValidator(lambda path: path)]

    with calling():
        both = Both.model_validate({"read": "notes.txt", "written": "old.txt"})
        assert both.model_dump(mode="json") == {"read": "notes.txt", "written": "old.txt"}


@SERVINGS
def test_context_may_skip_the_check_of_files(remote: bool, outputs: Path, calling: Calling) -> None:
    """With `skip_path_checks` files may be missing, but stay inside of their folders."""

    class Both(BaseModel):
        read: InputPath
        written: OutputPath

    def validated(name: str, skip: bool) -> Both:
        paths = {"read": name, "written": name}
        return Both.model_validate(paths, context={"skip_path_checks": skip})

    with calling(remote=remote):
        assert validated("none.txt", skip=True).written == outputs / "none.txt"
        with pytest.raises(ValidationError, match=r"There is no 'none\.txt' in the input"):
            validated("none.txt", skip=False)
        with pytest.raises(ValidationError, match=r"2 validation errors[^$]*lies outside of"):
            validated("../none.txt", skip=True)


CASE = {
    "endpoint": "apply",
    "payload": {"inputs": {"name": "new.txt"}},
    "expected_outputs": {
        "files": {"one": "new.txt", "many": ["new.txt", "new.txt"], "named": {"a": "new.txt"}},
        "folder": "new.txt",  # the validator of the field has its turn here too
    },
}


@pytest.mark.parametrize(
    ("name", "skip", "code"),
    [("new.txt", False, 0), ("other.txt", False, 1), ("other.txt", True, 1)],
)
def test_expected_results_name_files(
    name: str, skip: bool, code: int, cli: Cli, made: Made, tmp_path: Path
) -> None:
    """A regression case compares paths and checks that the files exist, unless disabled."""
    made(WRITER)
    text = json.dumps({**CASE, "skip_output_path_checks": skip})
    expected = f'"expected_outputs": {{"files": {{"one": "{name}"'
    (tmp_path / "case.json").write_text(
        text.replace('"expected_outputs": {"files": {"one": "new.txt"', expected)
    )
    ended = cli("--api-path=tesseract/tesseract_api.py", "test", "case.json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    missing = "There is no 'other.txt' in the output path"
    assert (missing in ended.stdout + ended.stderr) is (code == 1 and not skip)


@SERVINGS
@pytest.mark.parametrize("name", ["n" * 300, "é" * 200, "a/" * 300_000])
@pytest.mark.parametrize("annotation", [InputPath, OutputPath])
def test_a_name_beyond_the_bound_is_a_fault_without_a_path(
    annotation: Any, name: str, remote: bool, calling: Calling
) -> None:
    """The operating system would refuse it too, with the absolute path."""
    with calling(remote=remote), pytest.raises(ValidationError, match="is too long: a path has"):
        TypeAdapter(annotation).validate_python(name, context={})
