"""Payloads of inputs alone, and paths of gradients as options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

CUBE = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    k: Differentiable[Float64] = 2.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    return {"y": inputs.k * inputs.x**3}

def jacobian(inputs, jac_inputs, jac_outputs):
    blocks = {"x": np.diag(3 * inputs.k * inputs.x**2), "k": inputs.x**3}
    return {"y": {path: blocks[path] for path in jac_inputs}}
"""

INPUTS = {"x": [1.0, 2.0]}


def buffers(block: Any) -> Any:
    """Return the numbers of each block."""
    return {path: array["data"]["buffer"] for path, array in block.items()}


def test_a_payload_may_be_the_inputs_alone(
    here: Here, tesseract: Tesseract, tmp_path: Path
) -> None:
    """`--inputs` takes JSON, and files of any format."""
    (tmp_path / "inputs.json").write_text(json.dumps(INPUTS))
    (tmp_path / "inputs.msgpack").write_bytes(msgpack.packb(INPUTS))
    path = str(tesseract(CUBE))
    for payload in (json.dumps(INPUTS), "@inputs.json", "@inputs.msgpack"):
        ended = here("apply", "--inputs", payload, "--api-path", path)
        assert buffers(json.loads(ended.stdout)) == {"y": [2.0, 16.0]}, ended.stderr


def test_options_name_the_paths_of_a_gradient(here: Here, tesseract: Tesseract) -> None:
    """`--wrt` and `--of` take the place of the members of the endpoint."""
    payload = json.dumps({"inputs": INPUTS})
    paths = ["--wrt", "x", "--wrt", "k", "--of", "y"]
    ended = here("jacobian", payload, *paths, "--api-path", str(tesseract(CUBE)))
    assert buffers(json.loads(ended.stdout)["y"]) == {
        "x": [[6.0, 0.0], [0.0, 24.0]],
        "k": [1.0, 8.0],
    }


@pytest.mark.parametrize(
    ("payload", "options", "message"),
    [
        ({"inputs": INPUTS, "jac_inputs": ["x"]}, ["--wrt", "x"], "has 'jac_inputs' already"),
        ([1], ["--of", "y"], "must be an object with the key 'inputs'"),
        ({"inputs": INPUTS}, ["--wrt", "z", "--of", "y"], "'z' is not the path of a"),
        ({"inputs": INPUTS}, ["--wrt", "x"], "jac_outputs: Field required (--of PATH)\n"),
        ({"inputs": INPUTS}, ["--of", "y"], "jac_inputs: Field required (--wrt PATH)\n"),
    ],
)
def test_a_short_form_with_a_mistake_is_refused(
    here: Here, tesseract: Tesseract, payload: Any, options: list[str], message: str
) -> None:
    """The message names the member or the path."""
    path = str(tesseract(CUBE))
    ended = here("jacobian", json.dumps(payload), *options, "--api-path", path)
    assert (ended.code, ended.stdout) == (2, "")
    assert message in ended.stderr


def test_a_vector_is_a_member_of_the_payload(here: Here, tesseract: Tesseract) -> None:
    """A vector has no option: the message shows its place. Text that is not JSON has no hint."""
    flags = ["--api-path", str(tesseract(CUBE)), "--gradient-backend", "auto"]
    paths = ["--inputs", "--wrt", "x", "--of", "y"]
    ended = here(*flags, "vector-jacobian-product", json.dumps(INPUTS), *paths)
    assert ended.stderr == (
        "Error: The payload of vector_jacobian_product is not valid:\n"
        "  cotangent_vector: Field required (without --inputs: "
        '{"inputs": ..., "cotangent_vector": {PATH: ...}})\n'
    )
    ended = here(*flags, "vector-jacobian-product", "{")
    assert ended.stderr.startswith("Error: The payload is not valid json: EOF")


def test_other_endpoints_have_no_paths(here: Here, tesseract: Tesseract) -> None:
    """`apply` has no `--wrt`."""
    ended = here("apply", "--wrt", "x", "{}", "--api-path", str(tesseract(CUBE)))
    assert (ended.code, "No such option: --wrt" in ended.stderr) == (2, True)
