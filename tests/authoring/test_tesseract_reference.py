"""`TesseractReference`: other Tesseracts as inputs, and the rights to name them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from runtime_core.distributions import install_command
from runtime_core.errors import FaultKind, InvalidResult
from tesseract_runtime_authoring import TesseractReference
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
from tests.conftest import DOUBLE, clean_environment
from tests.server.conftest import Serve

URL = {"type": "url", "ref": "http://127.0.0.1:9/solver"}


class Client:
    """Stands for a client of another Tesseract."""

    reference = URL

    def apply(self, inputs: dict[str, float]) -> dict[str, float]:
        """Double x."""
        return {"y": 2 * inputs["x"]}


class Inputs(BaseModel):
    """References in several positions."""

    solver: TesseractReference
    optional: TesseractReference | None = None
    listed: list[TesseractReference] = []
    named: dict[str, TesseractReference] = {}


def test_a_reference_is_a_proxy() -> None:
    """A reference has the attributes of its client."""
    assert TesseractReference(Client()).apply({"x": 3.0}) == {"y": 6.0}


def test_a_client_is_a_value_of_the_field() -> None:
    """Python code passes a client, or a reference to one."""
    for value in (Client(), TesseractReference(Client())):
        inputs = Inputs.model_validate({"solver": value})
        assert inputs.solver.apply({"x": 1.0}) == {"y": 2.0}
        assert inputs.model_dump(mode="json")["solver"] == URL
        assert isinstance(inputs.model_dump()["solver"], TesseractReference)


@pytest.mark.parametrize("name", ["_private", "__array__", "__wrapped__", "nothing"])
def test_what_a_client_has_not_is_an_attribute_error(name: str) -> None:
    """Lookups of private and protocol attributes fail without a client."""
    with pytest.raises(AttributeError, match=name):
        getattr(TesseractReference(Client()), name)


def test_a_client_without_a_place_cannot_be_written() -> None:
    """A client without an address cannot be written."""

    class Nameless:
        def apply(self) -> None:
            """Do nothing."""

    reference = TesseractReference(Nameless())
    with pytest.raises(Exception, match="cannot be written: its client has no `reference`"):
        TypeAdapter(TesseractReference).dump_python(reference, mode="json")
    assert issubclass(InvalidResult, Exception)


def test_references_stand_anywhere(calling: Calling) -> None:
    """Containers and optional fields read and write references unchanged."""
    document = {"solver": URL, "optional": None, "listed": [URL], "named": {"a": URL}}
    with calling():
        assert read(Inputs, document).model_dump(mode="json") == document


def test_references_are_equal_where_their_tesseracts_are_the_same(calling: Calling) -> None:
    """Two references to one URL are equal, whatever their source."""
    with calling():
        one, two = read(TesseractReference, URL), read(TesseractReference, dict(URL))
    assert one == two == TesseractReference(Client())
    assert len({one, two}) == 1
    assert one != URL
    assert "http://127.0.0.1:9/solver" in repr(one)


def test_a_reference_can_be_pickled(calling: Calling) -> None:
    """A pickle contains the address of the Tesseract."""
    with calling():
        one = read(TesseractReference, URL)
    assert pickle.loads(pickle.dumps(one)) == one


def test_copies_of_inputs_share_the_client() -> None:
    """Copies of the inputs do not open the other Tesseract again."""
    inputs = Inputs(solver=TesseractReference(Client()))
    assert copy.deepcopy(inputs).solver is copy.copy(inputs.solver) is inputs.solver


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "url"},
        {"ref": "http://x"},
        {"type": "file", "ref": "x"},
        {"type": "url", "ref": ""},
        {"type": "url", "ref": 3},
        {**URL, "api_key": "k"},
    ],
)
@SERVINGS
def test_another_form_is_refused(document: Any, remote: bool, calling: Calling) -> None:
    """A reference has a known type, a string and no other key."""
    with calling(remote=remote), pytest.raises(ValueError, match="validation error"):
        read(TesseractReference, document)


@SERVINGS
@pytest.mark.parametrize("value", ["http://x", None, 3, [URL]])
def test_another_value_is_refused(value: Any, remote: bool, calling: Calling) -> None:
    """A reference is an object."""
    with calling(remote=remote):
        assert refused(TesseractReference, value)["type"] == "dict_type"


@SERVINGS
def test_an_image_is_refused(remote: bool, calling: Calling) -> None:
    """A payload cannot start containers, and the message gives the next step."""
    with calling(remote=remote):
        told = refused(TesseractReference, {"type": "image", "ref": "acme/solver:3"})
    assert told["msg"] == (
        "The image 'acme/solver:3' is not started: a Tesseract starts no containers. Serve it "
        "and name its URL, with the type 'url'."
    )


@SERVINGS
@pytest.mark.parametrize("ref", ["127.0.0.1:8000", "ftp://x", "file:///etc/passwd", "unix:/x"])
def test_a_url_is_one_of_http(ref: str, remote: bool, calling: Calling) -> None:
    """Other schemes are refused."""
    with calling(remote=remote, allow_url_prefix=("ftp://x", "file:///", "unix:/")):
        told = refused(TesseractReference, {"type": "url", "ref": ref})
    assert told["msg"] == (
        f"{ref!r} is not a valid URL of a Tesseract: it must begin with http://, https:// or "
        "unix://."
    )


PREFIX = "http://10.0.0.7:8000"
SOCKETS = "unix:///run/models"


@pytest.mark.parametrize(
    "ref", [PREFIX, f"{PREFIX}/", f"{PREFIX}/solver", f"{PREFIX}/a/", f"{SOCKETS}/solver.sock"]
)
def test_a_remote_caller_names_what_the_operator_admits(ref: str, calling: Calling) -> None:
    """A URL below an allowed prefix is accepted, with or without a trailing slash."""
    document = {"type": "url", "ref": ref}
    with calling(remote=True, allow_url_prefix=(PREFIX, SOCKETS)):
        reference = read(TesseractReference, document)
        assert TypeAdapter(TesseractReference).dump_python(reference, mode="json") == document


@pytest.mark.parametrize(
    "ref",
    [
        "http://127.0.0.1:8000",
        "http://10.0.0.7:80001",
        "http://10.0.0.7",
        "https://10.0.0.7:8000",
        "http://10.0.0.7:8000@evil.example",
        "http://10.0.0.7:8000/../admin",
        "http://10.0.0.7:8000/%2e%2e/admin",
        "HTTP://10.0.0.7:8000",
    ],
)
def test_a_remote_caller_reaches_nothing_else(ref: str, calling: Calling) -> None:
    """A payload cannot reach any other host."""
    with calling(remote=True, allow_url_prefix=(PREFIX,)):
        told = refused(TesseractReference, {"type": "url", "ref": ref})
    assert told["type"] == "file_refused"


def test_a_remote_caller_names_no_file(made: Made, tmp_path: Path, calling: Calling) -> None:
    """A file of the server is not imported because a payload names it."""
    with calling(remote=True):
        told = refused(TesseractReference, {"type": "api_path", "ref": "tesseract_api.py"})
    assert told["msg"] == (
        "'tesseract_api.py' is not opened: a remote caller names a Tesseract by its URL, with "
        "the type 'url'."
    )


def test_a_file_that_is_not_there_is_named(calling: Calling, inputs: Path) -> None:
    """The path of a file is relative to the input path."""
    with calling():
        (inputs / "folder").mkdir()
        for name in ("none.py", "folder"):
            told = refused(TesseractReference, {"type": "api_path", "ref": name})
            missing = f"No Tesseract {name!r} in the input path {str(inputs)!r}."
            assert told["msg"] == missing
        (inputs / "some.py").write_text("")
        reference = read(TesseractReference, {"type": "api_path", "ref": "some.py"})
        written = TypeAdapter(TesseractReference).dump_python(reference, mode="json")
    assert written == {"type": "api_path", "ref": str(inputs / "some.py")}


def test_the_json_schema_is_that_of_the_document() -> None:
    """The schema has the keys and the usable types."""
    schema = schema_of(TesseractReference)
    assert schema["properties"]["type"]["enum"] == ["api_path", "url", "umbridge"]
    assert schema["required"] == ["type", "ref"]
    assert schema["additionalProperties"] is False


def test_without_the_client_the_first_use_says_what_to_install() -> None:
    """References can be read without the client; using them needs it."""
    program = """
import sys
sys.modules["tesseract_runtime_client"] = None
from pydantic import TypeAdapter
from runtime_core.errors import PluginFault
from tesseract_runtime_authoring import TesseractReference
reference = TypeAdapter(TesseractReference).validate_python({"type": "url", "ref": "http://x"})
try:
    reference.apply({})
except PluginFault as error:
    print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip().endswith(install_command("tesseract-runtime-client"))


CALLER = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64
from tesseract_core.runtime.experimental import TesseractReference

class InputSchema(BaseModel):
    solver: TesseractReference
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]
    solver: TesseractReference

def apply(inputs: InputSchema) -> OutputSchema:
    result = inputs.solver.apply({"x": inputs.x + 1})
    return OutputSchema(y=result["y"], solver=inputs.solver)
"""


def test_a_file_is_called_in_the_same_process(
    made: Made, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`apply` computes with another Tesseract, named by its file."""
    (inputs / "double.py").write_text(DOUBLE)
    solver = {"type": "api_path", "ref": "double.py"}
    written = answer(made(CALLER), {"solver": solver, "x": [1.0, 2.0]})
    assert written["y"]["data"]["buffer"] == [4.0, 6.0]
    assert written["solver"] == {"type": "api_path", "ref": str(inputs / "double.py")}


@SERVINGS
def test_a_server_is_called_by_its_url(remote: bool, made: Made, serve: Serve) -> None:
    """`apply` computes with another Tesseract over HTTP."""
    url = f"http://127.0.0.1:{serve().port}"
    solver = {"type": "url", "ref": url}
    runtime = made(CALLER, remote=remote, allow_url_prefix=(url,))
    written = answer(runtime, {"solver": solver, "x": [1.0, 2.0]})
    assert written["y"]["data"]["buffer"] == [4.0, 6.0]
    assert written["solver"] == solver


@pytest.mark.parametrize("solver", [URL, {"type": "api_path", "ref": "double.py"}])
def test_a_server_refuses_what_it_does_not_admit(
    solver: dict[str, str], made: Callable[..., Any]
) -> None:
    """Over HTTP a reference is a fault of the payload, unless the operator admits it."""
    reply = invoke(made(CALLER, remote=True), {"solver": solver, "x": [1.0]})
    assert reply.fault is not None
    assert reply.fault.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in reply.fault.details] == [["inputs", "solver"]]
    assert "is not opened" in fault(made(CALLER, remote=True), {"solver": solver, "x": [1.0]})
