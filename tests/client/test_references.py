"""Where a Tesseract is, as documents name it, and clients that are part of a payload."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from runtime_core.errors import InvalidResult
from runtime_core.tesseract import load_tesseract
from tesseract_runtime_authoring import TesseractReference
from tesseract_runtime_client import NoReference, Tesseract, ValidationError
from tests.client.conftest import serving, written

DOUBLE = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: float

class OutputSchema(BaseModel):
    y: float

def apply(inputs):
    return OutputSchema(y=2 * inputs.x)
"""

CALLER = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import TesseractReference

class InputSchema(BaseModel):
    solvers: list[TesseractReference]
    x: float

class OutputSchema(BaseModel):
    y: list[float]
    solvers: list[TesseractReference]

def apply(inputs):
    y = [solver.apply({"x": inputs.x})["y"] for solver in inputs.solvers]
    return OutputSchema(y=y, solvers=inputs.solvers)
"""

Local = Callable[..., Tesseract]


@pytest.fixture
def double(tmp_path: Path) -> Path:
    """Return the file of a Tesseract that doubles a number."""
    return written(tmp_path / "double", DOUBLE)


@pytest.fixture(params=[Tesseract.from_api, Tesseract.from_worker], ids=["api", "worker"])
def local(request: pytest.FixtureRequest) -> Local:
    """Return each way to open a Tesseract of this machine."""
    way: Local = request.param
    return way


def fileless() -> ModuleType:
    """Return a Tesseract that was never in a file."""
    module = ModuleType("fileless")
    exec(DOUBLE, vars(module))
    return module


@pytest.mark.parametrize("url", ["http://host:8000", "host:8000", "http://host:8000/"])
def test_reference_of_a_server_is_its_url(url: str) -> None:
    """However the URL was given, nothing is sent to find out."""
    with Tesseract.from_url(url, api_key="secret") as tesseract:
        assert tesseract.reference == {"type": "url", "ref": "http://host:8000"}


def test_reference_of_a_file_is_its_real_path(
    local: Local, double: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path, or one by a link, is where the file is, whatever the program does later."""
    (tmp_path / "link").symlink_to("double")
    monkeypatch.chdir(tmp_path)
    expected = {"type": "api_path", "ref": str(double)}
    with local("link/tesseract_api.py") as tesseract:
        monkeypatch.chdir("/")
        assert tesseract.reference == expected
        tesseract.reference["ref"] = "another"
        assert tesseract.reference == expected
    assert tesseract.reference == expected  # a closed one is still there


def test_reference_of_a_module_is_its_file(double: Path) -> None:
    """A module that was imported from a file is named by that."""
    module = load_tesseract(str(double)).module
    with Tesseract.from_api(module) as tesseract:
        assert tesseract.reference == {"type": "api_path", "ref": str(double)}


def test_module_without_a_file_has_no_reference() -> None:
    """What no document can name says so, and what to do; it can be called all the same."""
    with Tesseract.from_api(fileless()) as tesseract:
        with pytest.raises(NoReference) as raised:
            _ = tesseract.reference
        assert str(raised.value) == (
            "The Tesseract at fileless in this process is a module without a file, which no "
            "document can name. Serve it and use `Tesseract.from_url`, or put it into a file."
        )
        reference = TesseractReference(tesseract)
        assert reference.apply({"x": 1.0}) == {"y": 2.0}
        assert reference == TesseractReference(tesseract)
        with pytest.raises(NoReference):
            _ = reference.reference


def test_references_are_payload(local: Local, double: Path, tmp_path: Path) -> None:
    """A client's reference in a dict or in a model arrives as the Tesseract that it stands for."""
    caller = written(tmp_path / "caller", CALLER)
    with serving(double) as url, local(double) as file, local(caller) as outer:
        with Tesseract.from_url(url) as server:
            references = [TesseractReference(file), TesseractReference(server)]
            result = outer.apply({"solvers": references, "x": 1.5})
        assert result["y"] == [3.0, 3.0]
        assert result["solvers"] == [file.reference, {"type": "url", "ref": url}]
        assert outer.apply(Inputs(solvers=references, x=1.5)) == result


class Inputs(BaseModel):
    """The inputs of `CALLER`."""

    solvers: list[TesseractReference]
    x: float


@pytest.mark.parametrize("form", [dict, Inputs])
def test_reference_that_cannot_be_written_is_told(form: Callable[..., Any], tmp_path: Path) -> None:
    """A payload with a Tesseract that no document can name is refused before it is sent."""
    with (
        Tesseract.from_api(fileless()) as inner,
        Tesseract.from_api(written(tmp_path / "caller", CALLER)) as outer,
        pytest.raises(ValidationError, match="is a module without a file, which no document") as no,
    ):
        outer.apply(form(solvers=[TesseractReference(inner)], x=1.0))
    [fault] = no.value.errors()
    assert (fault["type"], fault["loc"][:2]) == ("not_serializable", ("body", "inputs"))
    assert fault["msg"].startswith("The Tesseract at fileless in this process is")


def test_result_with_a_reference_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """`apply` that returns such a Tesseract has failed, with the same text."""
    source = CALLER.replace("solvers=inputs.solvers)", "solvers=[Nameless()])") + (
        "\n\nclass Nameless:\n    def apply(self, inputs):\n        return inputs\n"
    )
    with (
        Tesseract.from_api(written(tmp_path / "caller", source)) as outer,
        pytest.raises(Exception, match=r"A reference to <.*Nameless object .*> cannot be written"),
    ):
        outer.apply({"solvers": [], "x": 1.0}, run_id="one")


def test_reference_of_a_reference_opens_nothing() -> None:
    """A reference that a document named says where it is, whether anything is there or not."""
    reference = pickle.loads(pickle.dumps(TesseractReference(Tesseract.from_url("nowhere:9"))))
    assert reference.reference == {"type": "url", "ref": "http://nowhere:9"}
    assert TesseractReference(reference) == reference
    with pytest.raises(InvalidResult, match="its client has no `reference`, which is"):
        _ = TesseractReference(object()).reference


def test_module_of_importlib_is_named_by_its_file(double: Path) -> None:
    """Modules that a program has made of a file have a reference too."""
    spec = importlib.util.spec_from_file_location("made", double)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made"] = module
    try:
        spec.loader.exec_module(module)
        with Tesseract.from_api(module) as tesseract:
            assert tesseract.reference["ref"] == str(double)
    finally:
        del sys.modules["made"]
