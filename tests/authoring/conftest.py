"""Calls with an input and an output path, for local and for remote callers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.calls import scope
from runtime_core.calls.scope import Scope
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import local_runtime, served_runtime
from tests.cli.conftest import here  # noqa: F401  # a fixture of these tests too
from tests.server.conftest import serve  # noqa: F401  # this one too

Calling = Callable[..., AbstractContextManager[Scope]]
Made = Callable[..., Runtime]

SERVINGS = pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
"""A test for the command line's rights and for those of a remote caller."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Return an input path with a file, a folder and links; next to it is a secret."""
    folder = tmp_path / "inputs"
    (folder / "meshes").mkdir(parents=True)
    (folder / "notes.txt").write_text("notes")
    (folder / "meshes" / "fine.msh").write_text("fine")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inputs-of-others").mkdir()
    (folder / "link").symlink_to("meshes/fine.msh")
    (folder / "out").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    (folder / "gone").symlink_to("nothing")
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return the output path, with a file in it."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    return folder


@pytest.fixture
def made(catalog: Catalog, tesseract: Callable[..., Path], inputs: Path, outputs: Path) -> Made:
    """Return a function that makes a runtime for a source, local or as a server's."""

    def make(source: str, *, remote: bool = False, **flags: Any) -> Runtime:
        paths = {"input_path": str(inputs), "output_path": str(outputs)}
        given = {"api_path": str(tesseract(source)), **paths, **flags}
        chosen = {name: value for name, value in given.items() if value is not None}
        config = resolve(catalog, flags=chosen, environment={})
        return (served_runtime if remote else local_runtime)(catalog, config)

    return make


@pytest.fixture
def calling(made: Made) -> Calling:
    """Return a function that enters the scope of a call; arguments are those of `made`."""

    @contextmanager
    def enter(**arguments: Any) -> Iterator[Scope]:
        with scope.enter(made("", **arguments).scope()) as entered:
            yield entered

    return enter


def read(annotation: Any, document: Any) -> Any:
    """Validate a field of a payload as the runtime does."""
    return TypeAdapter(annotation).validate_python(document, context=scope.current().options)


def refused(annotation: Any, document: Any) -> dict[str, Any]:
    """Return the fault of a payload's field."""
    with pytest.raises(ValidationError) as caught:
        read(annotation, document)
    [fault] = caught.value.errors(include_url=False)
    return dict(fault)


def invoke(runtime: Runtime, inputs: Any, endpoint: str = "apply", **named: Any) -> Reply:
    """Return the reply to a call in JSON."""
    call = Call(
        endpoint=endpoint,
        run_id="sounding-2",
        body=json.dumps({"inputs": inputs, **named}).encode(),
        body_format="json",
        output=Wire(format="json"),
    )
    return runtime.invoke(call)


def answer(runtime: Runtime, inputs: Any, endpoint: str = "apply", **named: Any) -> Any:
    """Return the result document of a call that succeeds."""
    reply = invoke(runtime, inputs, endpoint, **named)
    assert reply.fault is None, reply.fault.message
    return json.loads(b"".join(reply.body))


def fault(runtime: Runtime, inputs: Any, endpoint: str = "apply", **named: Any) -> str:
    """Return the fault of a call that fails."""
    reply = invoke(runtime, inputs, endpoint, **named)
    assert reply.fault is not None
    return reply.fault.message


def schema_of(annotation: Any, mode: Any = "validation") -> dict[str, Any]:
    """Return the JSON Schema of a field."""
    return TypeAdapter(annotation).json_schema(mode=mode)


class Point(BaseModel):
    """An item of a sequence."""

    x: float
    weight: float = 1.0


def write_points(folder: Path, count: int) -> None:
    """Write files with one item each: `0000.json`, `0001.json`, ..."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:04}.json").write_text(json.dumps({"x": number}))
