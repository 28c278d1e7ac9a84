"""Calls a Tesseract by this project's client and prints all that it answers, as JSON.

It is run as `python client_calls.py URL` in an environment with this project, which that of the
tests cannot be.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from tesseract_runtime_client import Tesseract, TesseractFailed, ValidationError

TIME = np.linspace(0.1, 2.0, 5)
INPUTS = {"time": TIME, "wave": {"amplitude": 2.0, "rate": np.float64(3.0)}}
WRONG = {"time": [[1.0]], "wave": {"amplitude": 1.0}}

CALLS = {
    "health": lambda t: t.health(),
    "available_endpoints": lambda t: t.available_endpoints,
    "input_schema": lambda t: t.input_schema,
    "output_schema": lambda t: t.output_schema,
    "openapi_schema": lambda t: t.openapi_schema,
    "apply": lambda t: t.apply(INPUTS),
    "apply to lists": lambda t: t.apply({**INPUTS, "time": TIME.tolist()}),
    "refused": lambda t: t.apply(WRONG, run_id="fit-7"),
    "failed": lambda t: t.apply({**INPUTS, "unit": "parsec"}, run_id="fit-7"),
    "apply after a failure": lambda t: t.apply(INPUTS),
    "jacobian": lambda t: t.jacobian(INPUTS, ["time", "wave.rate"], ["signal"]),
    "abstract_eval": lambda t: t.abstract_eval(
        {"time": TIME, "wave": {"amplitude": np.float64(2.0), "rate": np.float64(3.0)}}
    ),
    "absent": lambda t: t.jacobian_vector_product(INPUTS, ["time"], ["signal"], {"time": TIME}),
}


def outcome(tesseract: Tesseract, name: str) -> Any:
    """Return the result of a call, or the text of its exception."""
    try:
        return plain(CALLS[name](tesseract))
    except ValidationError as error:
        return {"refused": error.errors(), "run_id": error.run_id}
    except TesseractFailed as error:
        return {"failed": error.message, "status": error.status, "run_id": error.run_id}


def plain(tree: Any) -> Any:
    """Return a tree in which arrays are lists beside their data types."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, np.ndarray | np.generic):
        return {"dtype": tree.dtype.name, "values": tree.tolist()}
    return tree


if __name__ == "__main__":
    with Tesseract.from_url(sys.argv[1]) as called:
        print(json.dumps({name: outcome(called, name) for name in CALLS}))
