"""Links of a chain: Tesseracts that compute one layer and call the next one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.conftest import Answer, Served, serving

LINK = """
import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, JsonValue
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import TesseractReference, log_metric

WEIGHTS = np.array(json.loads(Path(__file__).with_name("weights.json").read_text()))

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    following: TesseractReference | None = None
    later: list[JsonValue] = []  # not opened here, but by those who follow

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def onward(inputs):
    y = np.tanh(WEIGHTS @ inputs.x)
    following, *later = [*inputs.later, None]
    return {"x": y, "following": following, "later": [name for name in later if name]}

def slope(inputs):
    log_metric("inputs", inputs.x.size)
    return (1 - np.tanh(WEIGHTS @ inputs.x) ** 2)[:, None] * WEIGHTS

def apply(inputs):
    log_metric("inputs", inputs.x.size)
    if not np.any(WEIGHTS):
        raise ArithmeticError("these inputs cannot be computed")
    rest = onward(inputs)
    return OutputSchema(y=inputs.following.apply(rest)["y"] if inputs.following else rest["x"])

def jacobian(inputs, jac_inputs, jac_outputs):
    block = slope(inputs)
    if inputs.following:
        block = inputs.following.jacobian(onward(inputs), ["x"], ["y"])["y"]["x"] @ block
    return {"y": {"x": block}}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    change = {"x": slope(inputs) @ tangent_vector["x"]}
    if not inputs.following:
        return {"y": change["x"]}
    return inputs.following.jacobian_vector_product(onward(inputs), ["x"], ["y"], change)

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    change = cotangent_vector["y"]
    if inputs.following:
        change = inputs.following.vector_jacobian_product(
            onward(inputs), ["x"], ["y"], {"y": change}
        )["x"]
    return {"x": change @ slope(inputs)}
"""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One served Tesseract of a chain, and where its runs write their files."""

    served: Served
    output_path: Path

    @property
    def reference(self) -> dict[str, str]:
        """The reference of the Tesseract in a payload."""
        return {"type": "url", "ref": f"http://127.0.0.1:{self.served.port}"}

    def runs(self) -> dict[str, Any]:
        """Return the facts of each run that has logged something, by its id."""
        found = [
            json.loads(path.read_text()) for path in self.output_path.glob("run_*/logs/run.json")
        ]
        return {facts["id"]: facts for facts in found}

    def ask(self, endpoint: str, payload: Mapping[str, Any], run_id: str) -> Answer:
        """Make a call in JSON, as any client would."""
        return self.served.request(
            "POST", f"/{endpoint}?run_id={run_id}", json.dumps(payload, allow_nan=False)
        )


@contextmanager
def chain(folder: Path, weights: Sequence[Any]) -> Iterator[list[Link]]:
    """Serve a link for each matrix of weights; each admits the one after it and no other."""
    with ExitStack() as stack:
        links: list[Link] = []
        for number, matrix in reversed([*enumerate(weights)]):
            source, output_path = written(folder / f"link{number}", matrix)
            options = ["--output-path", str(output_path)]
            for following in links[:1]:
                options += ["--allow-url-prefix", following.reference["ref"]]
            served = stack.enter_context(serving(source, *options))
            links.insert(0, Link(served=served, output_path=output_path))
        yield links


def written(folder: Path, matrix: Any) -> tuple[Path, Path]:
    """Write a link with its weights, and return its file and its output path."""
    output_path = folder / "output"
    output_path.mkdir(parents=True)
    source = folder / "tesseract_api.py"
    source.write_text(textwrap.dedent(LINK), encoding="utf-8")
    (folder / "weights.json").write_text(json.dumps(matrix.tolist()))
    return source, output_path


def through(links: Sequence[Link], x: Any) -> dict[str, Any]:
    """Return inputs that lead from the first link through the others."""
    following, *later = [link.reference for link in links[1:]]
    return {"x": x, "following": following, "later": later}
