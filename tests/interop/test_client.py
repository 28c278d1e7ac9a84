"""This project's client gets from the original's server what it gets from this project's own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

TIME = np.linspace(0.1, 2.0, 5)
SINE, COSINE = np.sin(3 * TIME), np.cos(3 * TIME)

Answers = dict[str, Any]


def test_health_and_endpoints(told: Answers) -> None:
    """Both are healthy and have what the file has."""
    assert told["health"] == {"status": "ok"}
    assert {"apply", "jacobian", "abstract_eval"} <= {*told["available_endpoints"]}


def test_schemas(told: Answers) -> None:
    """What `apply` takes and gives is told by both, also where no endpoint tells it."""
    assert "inputs" in told["input_schema"]["properties"]
    assert "ApplyInputSchema" in told["openapi_schema"]["components"]["schemas"]
    assert "signal" in json.dumps(told["output_schema"])


@pytest.mark.parametrize("call", ["apply", "apply to lists", "apply after a failure"])
def test_apply(told: Answers, call: str) -> None:
    """Arrays come in their data types, and a failure before does no harm."""
    signal, energy = told[call]["signal"], told[call]["energy"]
    assert (signal["dtype"], energy["dtype"]) == ("float64", "float32")
    np.testing.assert_allclose(signal["values"], 2 * SINE)
    np.testing.assert_allclose(energy["values"], np.sum((2 * SINE) ** 2), rtol=1e-6)


def test_jacobian(told: Answers) -> None:
    """Blocks have the shapes of output and input."""
    blocks = told["jacobian"]["signal"]
    np.testing.assert_allclose(blocks["time"]["values"], np.diag(6 * COSINE), atol=1e-12)
    np.testing.assert_allclose(blocks["wave.rate"]["values"], 2 * TIME * COSINE, atol=1e-12)


def test_abstract_eval(told: Answers) -> None:
    """Shapes are asked by arrays."""
    assert told["abstract_eval"] == {
        "signal": {"shape": [5], "dtype": "float64"},
        "energy": {"shape": [], "dtype": "float32"},
    }


def test_results_do_not_differ(ours: Answers, originals: Answers) -> None:
    """Both servers give the same results, to the last bit."""
    for call in ("apply", "apply to lists", "jacobian", "abstract_eval"):
        assert ours[call] == originals[call]


def test_refused_payload(told: Answers) -> None:
    """What is wrong with inputs is told in the same terms."""
    found = {tuple(fault["loc"]): fault["type"] for fault in told["refused"]["refused"]}
    assert found == {
        ("body", "inputs", "time"): "array_dimensionality_mismatch",
        ("body", "inputs", "wave", "rate"): "missing",
    }
    assert told["refused"]["run_id"] == "fit-7"


def test_failure_of_the_tesseract(ours: Answers, originals: Answers) -> None:
    """A failure names its run; what has failed only this project's server tells."""
    message, _, place = ours["failed"]["failed"].partition(" (")
    assert message == "ArithmeticError: a wave is shorter than a parsec"
    assert place == "tesseract_api.py:22 in refuse)"
    assert (ours["failed"]["status"], ours["failed"]["run_id"]) == (500, "fit-7")
    assert (originals["failed"]["status"], originals["failed"]["run_id"]) == (500, "fit-7")


def test_endpoint_that_is_not_there(told: Answers) -> None:
    """An endpoint that a file does not have is a failure of its own status."""
    assert told["absent"]["status"] == 404
