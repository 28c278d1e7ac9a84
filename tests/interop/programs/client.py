"""Uses of `tesseract_core.Tesseract` in programs; the arguments are a file and a URL."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from pydantic import ValidationError

import tesseract_core
from tesseract_core import Tesseract
from tests.interop.programs.outcomes import print_outcomes

API_PATH, URL = sys.argv[1:]
OUTPUT = Path(mkdtemp())
TIME = np.linspace(0.1, 2.0, 5)
WAVE = {"amplitude": 2.0, "rate": 3.0}
INPUTS = {"time": TIME, "wave": WAVE}
WRONG = {"time": [[1.0]], "wave": WAVE}


def opened(**options: Any) -> Any:
    """Open the file in this process."""
    return Tesseract.from_tesseract_api(API_PATH, **options)


def within_with() -> Any:
    """Call a server within a `with`."""
    with Tesseract.from_url(URL) as tesseract:
        return tesseract.apply(INPUTS)


def caught_error() -> Any:
    """Catch the refusal of a payload as an error of pydantic."""
    try:
        opened().apply(WRONG)
    except ValidationError as error:
        return [[*map(str, fault["loc"][-2:]), fault["type"]] for fault in error.errors()]


def caught_error_of_server() -> Any:
    """Catch the refusal of a server as an error of pydantic."""
    try:
        Tesseract.from_url(URL).apply(WRONG)
    except ValidationError as error:
        return [[*map(str, fault["loc"]), fault["type"]] for fault in error.errors()]


def logged(run_id: str) -> Any:
    """Name a run by position, and find the file that it has written."""
    opened(output_path=str(OUTPUT)).apply(INPUTS, run_id)
    return True


TANGENT = {"wave.rate": np.array(0.5)}

LINES = {
    "version": lambda: isinstance(tesseract_core.__version__, str),
    "apply": lambda: opened().apply(INPUTS),
    "apply to lists": lambda: opened().apply({**INPUTS, "time": TIME.tolist()}),
    "apply to arrays in a list": lambda: opened().apply({**INPUTS, "time": [*TIME]}),
    "apply to a range": lambda: opened().apply({**INPUTS, "time": range(3)}),
    "JavaScript numbers": lambda: opened().apply({**INPUTS, "power": 3.0}),
    "from a path": lambda: Tesseract.from_tesseract_api(Path(API_PATH)).apply(INPUTS),
    "paths and format": lambda: opened(
        input_path=str(OUTPUT), output_path=str(OUTPUT), output_format="json"
    ).apply(INPUTS),
    "runtime_config": lambda: opened(runtime_config={"debug": True}).apply(INPUTS),
    "stream_logs": lambda: opened(stream_logs=False).apply(INPUTS),
    "with": within_with,
    "server": lambda: Tesseract.from_url(URL).apply(INPUTS),
    "server_output_path": lambda: Tesseract.from_url(URL, str(OUTPUT)).apply(INPUTS),
    "run id by position": lambda: logged("first"),
    "run id of a server by position": lambda: Tesseract.from_url(URL).apply(INPUTS, "second"),
    "health": lambda: Tesseract.from_url(URL).health(),
    "endpoints": lambda: sorted({"apply", "jacobian"} & {*opened().available_endpoints}),
    "openapi": lambda: "ApplyInputSchema" in opened().openapi_schema["components"]["schemas"],
    "jacobian": lambda: opened().jacobian(INPUTS, ["time"], ["signal"]),
    "jacobian of a server": lambda: Tesseract.from_url(URL).jacobian(INPUTS, ["time"], ["signal"]),
    "abstract_eval": lambda: opened().abstract_eval(
        {
            "time": {"shape": [3], "dtype": "float64"},
            "wave": {key: {"shape": [], "dtype": "float64"} for key in WAVE},
        }
    ),
    "no such endpoint": lambda: opened().jacobian_vector_product(
        INPUTS, ["wave.rate"], ["signal"], TANGENT
    ),
    "refused": lambda: opened().apply(WRONG),
    "caught": caught_error,
    "refused by a server": caught_error_of_server,
    "failed": lambda: opened().apply({**INPUTS, "unit": "parsec"}),
    "failed on a server": lambda: Tesseract.from_url(URL).apply({**INPUTS, "unit": "parsec"}),
    "test that passes": lambda: opened().test(
        {
            "endpoint": "apply",
            "payload": {"inputs": {**INPUTS, "time": [0.0]}},
            "expected_outputs": {
                "signal": {"object_type": "array", "shape": [1], "dtype": "float64",
                           "data": {"buffer": [0.0], "encoding": "json"}},
                "energy": {"object_type": "array", "shape": [], "dtype": "float32",
                           "data": {"buffer": 0.0, "encoding": "json"}},
            },
        }
    ),
    "image that is not there": lambda: Tesseract.from_image("no-such-image-here"),
    "logs of what is not served": lambda: Tesseract.from_url(URL).server_logs(),
    "serve what is served": lambda: Tesseract.from_url(URL).serve(),
    "teardown": lambda: Tesseract.from_url(URL).teardown(),
}  # fmt: skip

if __name__ == "__main__":
    print_outcomes(LINES)
