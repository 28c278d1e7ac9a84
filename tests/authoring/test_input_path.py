"""`InputPath`: files of the input path only, anywhere in a schema."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field, RootModel, TypeAdapter

from runtime_core.errors import FaultKind
from tesseract_runtime_authoring import InputPath
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

INSIDE = {
    "notes.txt": "notes.txt",
    "./meshes//fine.msh": "meshes/fine.msh",
    "meshes/../notes.txt": "notes.txt",
    "meshes": "meshes",
    ".": "",
    "": "",
    "link": "meshes/fine.msh",
    "up/inputs/notes.txt": "notes.txt",
}

OUTSIDE = [
    "../secret",
    "..",
    "/etc/passwd",
    "/",
    "out",
    "up",
    "up/secret",
    "meshes/../../secret",
    "../inputs-of-others",
]

MISSING = ["none.txt", "meshes/none.msh", "gone", "NOTES.TXT", "notes.txt/x", "~", "*.txt"]


@SERVINGS
@pytest.mark.parametrize("name", INSIDE)
def test_a_name_becomes_an_absolute_path(
    name: str, remote: bool, inputs: Path, calling: Calling
) -> None:
    """Names of files and folders are resolved in the input path, links and dots too."""
    with calling(remote=remote):
        path = read(InputPath, name)
    assert path == inputs / INSIDE[name]
    assert isinstance(path, Path)


@SERVINGS
def test_an_absolute_name_inside_does(remote: bool, inputs: Path, calling: Calling) -> None:
    """An absolute name is accepted if it lies in the input path."""
    with calling(remote=remote):
        assert read(InputPath, str(inputs / "link")) == inputs / "meshes" / "fine.msh"


@SERVINGS
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_outside_is_refused(name: str, remote: bool, calling: Calling) -> None:
    """No path leads out of the input path, even for the user of the command line."""
    with calling(remote=remote):
        told = refused(InputPath, name)
    assert told["type"] == "file_refused"
    assert repr(name) in told["msg"]
    assert "lies outside of the input path" in told["msg"]


@SERVINGS
@pytest.mark.parametrize("name", MISSING)
def test_a_missing_file_is_named(name: str, remote: bool, calling: Calling) -> None:
    """A missing file is reported, even if its name differs only in case."""
    with calling(remote=remote):
        told = refused(InputPath, name)
    assert told["type"] == "missing_file"
    assert told["msg"].startswith(f"There is no {name!r} in the input path")


@SERVINGS
@pytest.mark.parametrize("name", ["loop", "n" * 300, "a\0b", "s3://bucket/notes.txt"])
def test_a_strange_name_is_refused(name: str, remote: bool, calling: Calling) -> None:
    """A name that no file system supports is an ordinary fault."""
    with calling(remote=remote):
        assert refused(InputPath, name)["type"] in ("missing_file", "file_refused")


@SERVINGS
def test_what_would_block_is_refused(remote: bool, inputs: Path, calling: Calling) -> None:
    """A pipe is rejected: opening it would block."""
    os.mkfifo(inputs / "pipe")
    with calling(remote=remote):
        assert refused(InputPath, "pipe")["msg"] == "'pipe' is neither a file nor a folder."


def test_the_command_line_is_reported_where_and_how(inputs: Path, calling: Calling) -> None:
    """A local user sees the folder and the option that sets it."""
    with calling():
        told = refused(InputPath, "none.txt")["msg"]
    assert told == (
        f"There is no 'none.txt' in the input path {str(inputs)!r}. "
        "Name the folder that it is in with --input-path."
    )


def test_a_remote_caller_is_not_told_where(calling: Calling) -> None:
    """Messages do not reveal the server's folders."""
    with calling(remote=True):
        told = [refused(InputPath, name)["msg"] for name in ("none.txt", "../secret")]
    assert told == [
        "There is no 'none.txt' in the input path.",
        "'../secret' is not opened: it lies outside of the input path.",
    ]


@pytest.mark.parametrize("name", ["notes.txt", "none.txt", "/etc/passwd"])
def test_a_server_without_an_input_path_opens_nothing(name: str, calling: Calling) -> None:
    """A server without an input path does not reveal which files exist."""
    with calling(remote=True, input_path=None):
        told = refused(InputPath, name)["msg"]
    assert told.endswith("because it was started without --input-path.")


def test_a_remote_input_path_has_no_paths(calling: Calling) -> None:
    """An input path that is a URL is reported with the option to change."""
    with calling(input_path="s3://bucket/data"):
        told = refused(InputPath, "notes.txt")["msg"]
    assert told == (
        "There are no paths in the input path 's3://bucket/data', which is a URL. "
        "Name a local folder with --input-path."
    )


@pytest.mark.parametrize("value", [3, None, ["notes.txt"], {"a": 1}, b"notes.txt", True])
def test_what_is_no_text_is_refused(value: Any, calling: Calling) -> None:
    """A path in a document is a string."""
    with calling():
        told = refused(InputPath, value)
    assert (told["type"], told["msg"]) == ("path_type", "Input is not a valid path")


def test_python_code_gives_paths(inputs: Path, calling: Calling) -> None:
    """In Python any `pathlib` path is accepted."""
    with calling():
        for path in (Path("notes.txt"), inputs / "notes.txt", InputPath("notes.txt")):
            assert read(InputPath, path) == inputs / "notes.txt"


class Case(BaseModel):
    """A nested model."""

    mesh: InputPath


class Everywhere(BaseModel):
    """Paths in every position of a schema."""

    plain: InputPath
    optional: InputPath | None
    absent: InputPath | None = None
    listed: list[InputPath]
    named: dict[str, InputPath]
    fixed: tuple[InputPath, int]
    nested: list[Case]
    either: int | InputPath
    root: RootModel[InputPath]
    checked: Annotated[InputPath, Field(description="A mesh."), AfterValidator(lambda p: p.parent)]


EVERYWHERE: Mapping[str, Any] = {
    "plain": "notes.txt",
    "optional": None,
    "listed": ["notes.txt", "meshes"],
    "named": {"a": "notes.txt"},
    "fixed": ["notes.txt", 1],
    "nested": [{"mesh": "meshes/fine.msh"}],
    "either": "notes.txt",
    "root": "notes.txt",
    "checked": "meshes/fine.msh",
}


def test_paths_stand_anywhere(inputs: Path, calling: Calling) -> None:
    """Containers, unions, nested models and validators of authors take paths."""
    with calling():
        model = read(Everywhere, EVERYWHERE)
    assert model.listed == [inputs / "notes.txt", inputs / "meshes"]
    assert model.named == {"a": inputs / "notes.txt"}
    assert model.nested[0].mesh == inputs / "meshes" / "fine.msh"
    assert model.either == inputs / "notes.txt"
    assert model.optional is model.absent is None


def test_an_authors_validator_sees_the_absolute_path(inputs: Path, calling: Calling) -> None:
    """`AfterValidator` receives the resolved path, and its result is used."""
    with calling():
        assert read(Everywhere, EVERYWHERE).checked == inputs / "meshes"


def test_each_fault_has_its_place(calling: Calling) -> None:
    """All wrong paths of a payload are reported at once, each with its location."""
    wrong = {**EVERYWHERE, "listed": ["notes.txt", "none"], "nested": [{"mesh": "../secret"}]}
    with calling(), pytest.raises(ValueError, match="2 validation errors") as caught:
        read(Everywhere, wrong)
    faults: Any = caught.value
    assert [fault["loc"] for fault in faults.errors()] == [("listed", 1), ("nested", 0, "mesh")]


@SERVINGS
def test_paths_are_written_as_they_are_named(remote: bool, calling: Calling) -> None:
    """In JSON a path is relative to the input path; in Python it stays absolute."""
    with calling(remote=remote):
        model = read(Everywhere, EVERYWHERE)
        written = model.model_dump(mode="json")
        assert written == {**EVERYWHERE, "absent": None, "checked": "meshes"}
        assert model.model_dump()["plain"] == model.plain


def test_a_path_of_elsewhere_is_written_whole(inputs: Path, calling: Calling) -> None:
    """Outside of its call a path is not made relative to another folder."""
    with calling():
        path = read(InputPath, "notes.txt")
    with calling(input_path=str(inputs / "meshes")):
        assert TypeAdapter(InputPath).dump_python(path, mode="json") == str(path)


def test_first_member_of_a_union_counts(inputs: Path, calling: Calling) -> None:
    """In a union with `str` the first member wins."""
    with calling():
        assert read(InputPath | str, "notes.txt") == inputs / "notes.txt"
        assert read(InputPath | str, "any text") == "any text"
        assert read(str | InputPath, "notes.txt") == "notes.txt"


def test_a_validated_path_can_be_copied_and_pickled(calling: Calling) -> None:
    """A path can be pickled."""
    with calling():
        model = read(Case, {"mesh": "link"})
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again == model


def test_the_json_schema_is_that_of_a_text() -> None:
    """The schema says string and what it is relative to, unless the author describes it."""
    assert schema_of(InputPath) == {
        "type": "string",
        "format": "path",
        "description": "A file or folder, relative to the input path.",
    }
    assert schema_of(InputPath, "serialization") == schema_of(InputPath)
    assert schema_of(Everywhere)["properties"]["checked"]["description"] == "A mesh."
    assert schema_of(list[InputPath])["items"]["format"] == "path"


COPY = """
from pydantic import BaseModel, Field
from tesseract_core.runtime.experimental import InputPath

class InputSchema(BaseModel):
    file: InputPath
    default: InputPath = Field("notes.txt", validate_default=True)

class OutputSchema(BaseModel):
    text: str
    file: InputPath
    default: InputPath

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(text=inputs.file.read_text(), file=inputs.file, default=inputs.default)
"""


@SERVINGS
def test_a_tesseract_reads_a_file(remote: bool, made: Made) -> None:
    """`apply` opens the path, and a returned path is relative again."""
    assert answer(made(COPY, remote=remote), {"file": "link"}) == {
        "text": "fine",
        "file": "meshes/fine.msh",
        "default": "notes.txt",
    }


@SERVINGS
def test_a_payload_with_a_wrong_path_is_refused(remote: bool, made: Made) -> None:
    """A wrong path is a fault of the payload, with its location."""
    runtime = made(COPY, remote=remote)
    reply = invoke(runtime, {"file": "none"})
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in reply.fault.details] == [["inputs", "file"]]
    assert fault(runtime, {"file": "up/secret"}).startswith("inputs.file: 'up/secret'")


def test_a_result_outside_is_the_authors_fault(made: Made) -> None:
    """`apply` cannot return a path outside of the input path."""
    runtime = made(COPY.replace("file=inputs.file,", "file='/etc/passwd',"))
    assert "'/etc/passwd' lies outside of the input path" in fault(runtime, {"file": "link"})
