"""Every client opens a Tesseract whose defaults do not fit, and is told when a call uses one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tesseract_runtime_client import Tesseract, TesseractFailed
from tests.client.conftest import serving, written

SOURCE = """
from pydantic import BaseModel, Field
from runtime_core import Array, Float64

class Mesh(BaseModel):
    size: Array[(3,), Float64] = [1, 2]

class InputSchema(BaseModel):
    x: Float64 = Field("The scale.")
    mesh: Mesh = Mesh()

class OutputSchema(BaseModel):
    y: Float64 = None
    z: Float64

def apply(inputs):
    return OutputSchema(z=inputs.x, **({"y": 1.0} if inputs.x < 5 else {}))
"""


@contextmanager
def opened(kind: str, source: Path) -> Iterator[Tesseract]:
    """Open a client of a kind for a Tesseract."""
    if kind != "url":
        with getattr(Tesseract, f"from_{kind}")(source, output_path=source.parent) as client:
            yield client
        return
    with serving(source) as url, Tesseract.from_url(url) as client:
        yield client
    warned = source.with_name("server.log").read_text(encoding="utf-8")
    assert "InputSchema.x: the default 'The scale.' does not fit this field: " in warned


@pytest.mark.parametrize("kind", ["url", "api", "worker"])
def test_only_calls_that_use_a_default_fail(kind: str, tmp_path: Path) -> None:
    """The message names the field of the schema, and over HTTP the status is 500."""
    mesh = {"size": [1, 2, 3]}
    with opened(kind, written(tmp_path, SOURCE)) as client:
        assert client.apply({"x": 2.0, "mesh": mesh}) == {"y": 1.0, "z": 2.0}
        unfit: list[tuple[dict[str, Any], str]] = [
            ({"mesh": mesh}, "InputSchema.x"),
            ({"x": 2.0}, "Mesh.size"),
            ({"x": 2.0, "mesh": {}}, "Mesh.size"),
            ({"x": 7.0, "mesh": mesh}, "OutputSchema.y"),
        ]
        for inputs, field in unfit:
            with pytest.raises(TesseractFailed, match=rf"{field}: the default ") as caught:
                client.apply(inputs)
            assert caught.value.status == 500
