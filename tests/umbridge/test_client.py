"""A model of UM-Bridge's own server as a Tesseract."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from runtime_core.errors import InvalidOption
from tesseract_core.runtime.experimental import TesseractReference
from tesseract_runtime_umbridge.client import ModelFailed, UmbridgeModel
from tests.patience import wait_until

SERVER = """
import sys, umbridge

class Model(umbridge.Model):
    def __init__(self): super().__init__("forward")
    def get_input_sizes(self, config): return [2, 1]
    def get_output_sizes(self, config): return [1, 2]
    def supports_evaluate(self): return True
    def supports_gradient(self): return True
    def supports_apply_jacobian(self): return True
    def __call__(self, p, config):
        (a, b), (c,) = p
        return [[a * b * c * config.get("scale", 1)], [a + c, b * c]]
    def blocks(self, p, out, inp):
        (a, b), (c,) = p
        found = [[[[b * c, a * c]], [[a * b]]], [[[1, 0], [0, c]], [[1], [b]]]]
        return found[out][inp]
    def gradient(self, out, inp, p, sens, config):
        block = self.blocks(p, out, inp)
        return [sum(s * row[i] for s, row in zip(sens, block)) for i in range(len(block[0]))]
    def apply_jacobian(self, out, inp, p, vec, config):
        return [sum(v * x for v, x in zip(vec, row)) for row in self.blocks(p, out, inp)]

umbridge.serve_models([Model()], int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the address of a server of UM-Bridge."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: accepts(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def accepts(port: int) -> bool:
    """Check whether something listens at a port."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


POINT = {"input": [np.array([2.0, 3.0]), [5.0]]}


def test_outputs_are_those_of_the_model(url: str) -> None:
    """The only model of a server needs no name."""
    outputs = UmbridgeModel(url).apply({**POINT, "config": {"scale": 2}})
    assert [vector.tolist() for vector in outputs["output"]] == [[60.0], [7.0, 15.0]]


def test_products_add_all_inputs_and_outputs(url: str) -> None:
    """Both products are those of the whole Jacobian."""
    model = UmbridgeModel(f"{url}/forward")
    inputs, outputs = ["input.[0]", "input.[1]"], ["output.[0]", "output.[1]"]
    jacobian = np.array([[15.0, 10.0, 6.0], [1.0, 0.0, 1.0], [0.0, 5.0, 3.0]])
    weights, direction = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0])
    cotangents = {"output.[0]": weights[:1], "output.[1]": weights[1:]}
    gradients = model.vector_jacobian_product(POINT, inputs, outputs, cotangents)
    assert np.concatenate([gradients[path] for path in inputs]).tolist() == (
        (weights @ jacobian).tolist()
    )
    tangents = {"input.[0]": direction[:2], "input.[1]": direction[2:]}
    along = model.jacobian_vector_product(POINT, inputs, outputs, tangents)
    assert np.concatenate([along[path] for path in outputs]).tolist() == (
        (jacobian @ direction).tolist()
    )


class Inputs(BaseModel):
    """A schema with a reference."""

    solver: TesseractReference


def test_a_document_can_name_a_model(url: str) -> None:
    """A reference of the type `umbridge` has the methods of the model."""
    document = {"solver": {"type": "umbridge", "ref": f"{url}/forward"}}
    inputs = Inputs.model_validate(document)
    assert inputs.solver.apply(POINT)["output"][0].tolist() == [30.0]
    assert inputs.model_dump(mode="json") == document


def test_an_error_names_the_model(url: str) -> None:
    """Errors of the model, of the address and of a path are clear."""
    model = UmbridgeModel(url)
    with pytest.raises(ModelFailed, match=r"/Evaluate: InvalidInput: Input parameter 1"):
        model.apply({"input": [[1.0, 2.0], []]})
    with pytest.raises(ModelFailed, match="ModelNotFound"):
        UmbridgeModel(f"{url}/backward").apply(POINT)
    with pytest.raises(InvalidOption, match=r"must be such as input\.\[0\]"):
        model.vector_jacobian_product(POINT, ["x"], ["output.[0]"], {"output.[0]": [1.0]})
    with pytest.raises(ModelFailed, match="does not answer"):
        UmbridgeModel("http://127.0.0.1:9/forward").apply(POINT)


def test_a_file_is_not_a_url(tmp_path: Path) -> None:
    """Other schemes are refused."""
    with pytest.raises(ValueError, match="must begin with http"):
        Inputs.model_validate({"solver": {"type": "umbridge", "ref": str(tmp_path)}})
