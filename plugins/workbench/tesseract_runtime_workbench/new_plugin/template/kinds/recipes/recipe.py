"""The recipe: the files of a new Tesseract."""

from collections.abc import Mapping

SOURCE = '''\
"""A Tesseract that adds 1."""

from pydantic import BaseModel

from runtime_core import Array, Differentiable, Float64


class InputSchema(BaseModel):
    """What is added to."""

    x: Differentiable[Array[(None,), Float64]]


class OutputSchema(BaseModel):
    """The sums."""

    y: Differentiable[Array[(None,), Float64]]


def apply(inputs: InputSchema) -> OutputSchema:
    """Add 1 to each element."""
    return OutputSchema(y=inputs.x + 1)
'''


def files() -> Mapping[str, str]:
    """Return the text of each file by its path in the new folder."""
    return {"tesseract_api.py": SOURCE, "inputs.json": '{"inputs": {"x": [1.0, 2.0]}}\n'}
