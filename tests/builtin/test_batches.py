"""Batches of tangents and cotangents: how functions are called, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import FaultKind
from tests.builtin.conftest import (
    HEADER,
    JACOBIAN,
    JVP,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    returning,
    seen,
)

SCALED = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    s: Differentiable[Float32] = 2.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    APPLIED.append(inputs)
    return {"y": inputs.s * inputs.x}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    SEEN.append(tangent_vector)
    inputs.x *= 0.0
    return {"y": inputs.s * tangent_vector["x"]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    SEEN.append(cotangent_vector)
    products = {"x": inputs.s * cotangent_vector["y"], "s": 1.0}
    products["s"] = np.sum(inputs.x * cotangent_vector["y"], axis=-1)
    inputs.x *= 0.0
    return {path: products[path] for path in vjp_inputs}
"""
)
"""A Tesseract whose functions take one vector, and change their inputs."""

AT_ONCE = SCALED.replace("_vector):", "_vector, batch=None):")
"""The same with functions that take a batch."""

X = {"x": [1.0, 2.0]}
VECTORS = [[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]]

either_way = pytest.mark.parametrize("source", [SCALED, AT_ONCE], ids=["each", "at_once"])
every_product = pytest.mark.parametrize(("endpoint", "path"), [(JVP, "x"), (VJP, "y")])


def batched(endpoint: str, path: str, vectors: Any = VECTORS, **more: Any) -> dict[str, Any]:
    """Return the payload of a batch of three."""
    return ask(endpoint, X, vector={path: vectors}) | {"batch": 3} | more


@either_way
def test_a_batch_of_tangents_has_a_result_for_each(source: str, runtime: Make) -> None:
    """Every array of the result has the leading axis, in the order of the vectors."""
    assert numbers(answer(runtime(source), JVP, batched(JVP, "x"))) == {
        "y": [[2.0, 0.0], [0.0, 2.0], [6.0, 8.0]]
    }


@either_way
def test_a_batch_of_cotangents_has_a_result_for_each(source: str, runtime: Make) -> None:
    """Scalars become vectors, and every vector is multiplied at the inputs that were sent."""
    payload = batched(VJP, "y") | {"vjp_inputs": ["x", "s"]}
    found = answer(runtime(source), VJP, payload)
    assert numbers(found) == {"x": [[2.0, 0.0], [0.0, 2.0], [6.0, 8.0]], "s": [1.0, 2.0, 11.0]}
    assert (found["x"]["dtype"], found["s"]["dtype"]) == ("float64", "float32")


@every_product
def test_only_a_parameter_of_the_name_gets_the_batch(
    endpoint: str, path: str, runtime: Make
) -> None:
    """A function with `batch` is called once, any other once a vector."""
    for source, expected in ((AT_ONCE, [VECTORS]), (SCALED, VECTORS)):
        made = runtime(source)
        answer(made, endpoint, batched(endpoint, path))
        assert [vector[path].tolist() for vector in seen(made)] == expected


@either_way
@every_product
def test_without_a_batch_nothing_changes(
    endpoint: str, path: str, source: str, runtime: Make
) -> None:
    """A payload without the key, or with null, is that of one vector."""
    made = runtime(source)
    alone = ask(endpoint, X, vector={path: [1.0, 3.0]})
    assert answer(made, endpoint, alone) == answer(made, endpoint, alone | {"batch": None})
    assert [vector[path].tolist() for vector in seen(made)] == [[1.0, 3.0]] * 2


@every_product
@pytest.mark.parametrize("vectors", [[1.0, 2.0], [[1.0, 2.0]], 1.0, [VECTORS]])
def test_a_vector_without_the_axis_is_refused(
    endpoint: str, path: str, vectors: Any, runtime: Make
) -> None:
    """The message names the size of the batch and both shapes; the axis is not broadcast."""
    wrong = fault(runtime(SCALED), endpoint, batched(endpoint, path, vectors))
    assert (wrong.kind, wrong.kind.status) == (FaultKind.INVALID_PAYLOAD, 422)
    [detail] = wrong.details
    assert detail["type"] == "batch_axis_mismatch"
    shape, size = np.shape(vectors), "2" if endpoint == JVP else "None"
    assert detail["msg"].endswith(
        f"angent of '{path}': batch is 3, so the array needs a leading axis of that size: got the "
        f"shape {shape}, expected (3, {size})"
    )


@every_product
def test_other_sizes_are_those_of_one_vector(endpoint: str, path: str, runtime: Make) -> None:
    """A size of 1 is broadcast behind the axis, any other is refused."""
    made = runtime(SCALED)
    ones = answer(made, endpoint, batched(endpoint, path, [[1.0], [2.0], [0.0]]))
    assert list(numbers(ones).values()) == [[[2.0, 2.0], [4.0, 4.0], [0.0, 0.0]]]
    wrong = fault(made, endpoint, batched(endpoint, path, [[1.0] * 3] * 3))
    assert wrong.details[0]["type"] == "array_shape_mismatch"


@pytest.mark.parametrize("batch", [0, -1, 10_001, 2.5, "3", True])
def test_an_impossible_batch_is_the_only_fault(batch: Any, runtime: Make) -> None:
    """It is a whole number from 1 to 10,000."""
    wrong = fault(runtime(SCALED), JVP, batched(JVP, "x", batch=batch))
    assert [detail["loc"] for detail in wrong.details] == [["batch"]]


def test_a_jacobian_has_no_batch(runtime: Make) -> None:
    """The key is refused where there are no vectors."""
    made = runtime(SCALED + returning("{'y': {'x': np.eye(2)}}", JACOBIAN))
    wrong = fault(made, JACOBIAN, ask(JACOBIAN, X) | {"batch": 3})
    assert wrong.details[0]["type"] == "extra_forbidden"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            AT_ONCE + "def jacobian_vector_product(inputs, batch=None, **named):\n"
            "    return {'y': inputs.x}\n",
            "jacobian_vector_product of 'y' returned an array of shape (2,), expected (3, None).",
        ),
        (
            SCALED
            + returning("{'y': np.zeros(len(APPLIED)), **APPLIED.append(1)}", JVP).replace(
                "**APPLIED.append(1)", "**(APPLIED.append(1) or {})"
            ),
            "jacobian_vector_product of 'y' returned an array of shape (1,), expected (0,).",
        ),
    ],
)
def test_a_wrong_result_is_the_fault_of_the_function(
    source: str, message: str, runtime: Make
) -> None:
    """A result needs the axis, and those of single vectors one shape."""
    failed = fault(runtime(source), JVP, batched(JVP, "x"))
    assert (failed.kind.status, failed.message) == (500, message)


@pytest.mark.parametrize(
    ("size", "noun"), [("1000", "The result of the batch"), ("None", "The batch")]
)
def test_a_large_batch_is_refused(size: str, noun: str, runtime: Make) -> None:
    """Its bytes are known before the first call or after it, and not allocated."""
    output = f"y: Differentiable[Array[({size},)"
    source = SCALED.replace("y: Differentiable[Array[(None,)", output)
    made = runtime(source + returning("{'y': np.zeros(1000)}", JVP), memory_limit=10**6)
    wrong = fault(made, JVP, batched(JVP, "x", [[1.0, 2.0]] * 200, batch=200))
    assert wrong.kind is FaultKind.MEMORY_EXCEEDED
    assert wrong.message.startswith(f"{noun} takes 1600000 bytes, more than the 1000000 bytes")
