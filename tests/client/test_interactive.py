"""What a person at a prompt or in a notebook uses of a client."""

from __future__ import annotations

import traceback
from pathlib import Path

import numpy as np
import pytest

from runtime_core.errors import InvalidTesseract
from runtime_core.tesseract import load_tesseract
from tesseract_runtime_client import NotSupported, Result, Tesseract, TesseractFailed, Unreachable
from tests.client.conftest import written
from tests.client.recorded import answer, saying

FILE = """
from typing import Literal
from pydantic import BaseModel, Field
from runtime_core import Array, Differentiable, Float64
from neighbour import FACTOR

class Part(BaseModel):
    weight: Float64 = 1.0

class Node(BaseModel):
    name: str = "root"
    nodes: "list[Node]" = []

class InputSchema(BaseModel):
    x: Differentiable[Array[(None, 3), Float64]] = Field(description="Points.")
    parts: list[Part] = []
    kind: Literal["a", "b"] = "a"
    plain: float | None = None
    tree: Node = Node()

class OutputSchema(BaseModel):
    y: Array[..., Float64]
    part: Part = Part()

def apply(inputs):
    return OutputSchema(y=FACTOR * inputs.x)
"""

DESCRIPTION = """\
Tesseract unknown at {place}
Endpoints: apply, health, input_schema, output_schema
Inputs:
  x: float64[?, 3] (differentiable) -- Points.
  parts: list[Part] = []
    weight: float64 = 1.0
  kind: "a" | "b" = "a"
  plain: number | null = null
  tree: Node = {{"name":"root","nodes":[]}}
    name: string = "root"
    nodes: list[Node] = []
Outputs:
  y: float64[...]
  part: Part = {{"weight":1.0}}
    weight: float64 = 1.0"""


def test_inputs_may_be_given_by_name(client: Tesseract) -> None:
    """Fields by name replace those of the inputs, which stay as they are."""
    inputs = {"x": [1.0], "scale": 2.0}
    assert client.apply(x=[3.0], scale=2.0)["y"].tolist() == [6]
    assert client.apply(inputs, x=[3.0], run_id="fit-7")["y"].tolist() == [6]
    assert inputs["x"] == [1.0]


def test_single_path_may_be_a_text(client: Tesseract) -> None:
    """A path by itself is a list of one."""
    blocks = client.jacobian({"x": [1.0]}, "x", "y")
    assert blocks["y"]["x"].tolist() == [[1]]


def test_arrays_may_be_a_list_of_arrays(client: Tesseract) -> None:
    """Rows become the array that the field declares."""
    counts = client.apply(x=[1.0], counts=[np.array([1, 2]), np.array([3, 4])])["counts"]
    assert counts.shape == (2, 2)


def test_called_tesseract_gives_fields_as_attributes(client: Tesseract) -> None:
    """Its text has shapes instead of values; `apply` gives plain dicts, as JAX needs them."""
    result = client(x=[1.0, 2.0], parts=[{"weight": 3.0}], note="n" * 100)
    assert result.y.tolist() == [1, 2]
    assert result.parts[0].weight == result["parts"][0]["weight"] == 3
    assert "y=float64[2], total=3.0, turned=complex128[2]" in repr(result)
    assert f"parts=[Result(weight=3.0, offsets=Result())], plain=0.5, note='{'n' * 59}..." in repr(
        result
    )
    assert "positive" in dir(result)
    assert type(dict(result)) is dict
    with pytest.raises(AttributeError, match=r"no field 'z'. Fields: y, total, turned"):
        _ = result.z
    assert type(client.apply(x=[1.0])) is dict


def test_long_lists_are_shortened() -> None:
    """A list of many items is shown by its first ones."""
    assert repr(Result({"x": [*range(9)]})) == "Result(x=[0, 1, 2, 3, 4, 5, ... 9 items])"


def test_description_lists_fields(tmp_path: Path) -> None:
    """A Tesseract in any place tells its inputs and outputs, for notebooks in HTML."""
    source = written(tmp_path / "model", FILE, neighbour="FACTOR = 2")
    with Tesseract.from_api(source, output_path=tmp_path) as client:
        assert client.describe() == DESCRIPTION.format(place=client._transport.place)
        assert "  tree: Node = {&quot;name&quot;:" in client._repr_html_()
    assert "has been closed" in client._repr_html_()


def test_traceback_ends_in_few_frames_of_the_client(client: Tesseract) -> None:
    """The frames of an error are those of the caller, of the method and of one function."""
    with pytest.raises(TesseractFailed) as raised:
        client.apply(x=[1.0], action="fail")
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert names[1:] == ["apply", "_compute"]


@pytest.mark.parametrize("kind", ["api", "worker"])
def test_file_is_loaded_again(kind: str, tmp_path: Path) -> None:
    """Changes of the file and of the modules beside it have an effect."""
    source = written(tmp_path / "model", FILE, neighbour="FACTOR = 2")
    with getattr(Tesseract, f"from_{kind}")(source, output_path=tmp_path) as client:
        assert client.apply(x=[[1.0, 2.0, 3.0]])["y"].sum() == 12
        written(tmp_path / "model", FILE.replace("y=", "y=1 + "), neighbour="FACTOR = 10")
        client.reload()
        assert client.apply(x=[[1.0, 2.0, 3.0]])["y"].sum() == 63


def test_client_of_a_file_that_cannot_be_loaded_is_closed(tmp_path: Path) -> None:
    """The error of loading is raised, and the next `reload` opens it again."""
    source = written(tmp_path / "model", FILE, neighbour="FACTOR = 2")
    with Tesseract.from_api(source, output_path=tmp_path) as client:
        source.write_text("no Python")
        with pytest.raises(InvalidTesseract, match="SyntaxError"):
            client.reload()
        with pytest.raises(Unreachable, match="has been closed"):
            client.health()
        written(tmp_path / "model", FILE)
        client.reload()
        assert client.health() == {"status": "ok"}


def test_module_is_not_loaded_again(tmp_path: Path) -> None:
    """What to do instead is told."""
    source = written(tmp_path / "model", FILE, neighbour="FACTOR = 2")
    with (
        Tesseract.from_api(load_tesseract(source).module, output_path=tmp_path) as client,
        pytest.raises(NotSupported, match=r"Use importlib.reload, and Tesseract.from_api"),
    ):
        client.reload()


def test_other_server_is_no_tesseract() -> None:
    """A server that lacks what every Tesseract has is named as such."""
    page = answer("<html>" * 1000, 404, Content_Type="text/html")
    with saying(others=page, openapi=[]) as server, Tesseract.from_url(server.url) as client:
        for ask in (client.health, lambda: client.apply(x=[1.0])):
            with pytest.raises(Unreachable, match=f"No Tesseract answers at {server.url}: that se"):
                ask()
