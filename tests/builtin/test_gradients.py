"""What all gradient endpoints have in common: how authors are called and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from runtime_core.calls.faults import summary
from runtime_core.errors import FaultKind, InvalidPayload
from tests.builtin.conftest import (
    GRADIENTS,
    HEADER,
    IDENTITY,
    JACOBIAN,
    JVP,
    PREFIXES,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    returning,
    seen,
)

X = {"x": [1.0, 2.0]}

every_gradient = pytest.mark.parametrize("endpoint", GRADIENTS)


@pytest.mark.parametrize(
    ("endpoint", "names"),
    [
        (JACOBIAN, {"inputs", "jac_inputs", "jac_outputs"}),
        (JVP, {"inputs", "jvp_inputs", "jvp_outputs", "tangent_vector"}),
        (VJP, {"inputs", "vjp_inputs", "vjp_outputs", "cotangent_vector"}),
    ],
)
def test_an_author_is_called_by_keyword(endpoint: str, names: set[str], runtime: Make) -> None:
    """Every argument has its name, and no other is given."""
    made = runtime(IDENTITY)
    answer(made, endpoint, ask(endpoint, X))
    assert [set(named) for named in seen(made)] == [names]


@every_gradient
def test_paths_come_as_sets_of_text(endpoint: str, runtime: Make) -> None:
    """The paths are sets of str on both sides."""
    made = runtime(IDENTITY)
    answer(made, endpoint, ask(endpoint, X))
    prefix = PREFIXES[endpoint]
    paths = [seen(made)[0][f"{prefix}_{side}"] for side in ("inputs", "outputs")]
    assert paths == [{"x"}, {"y"}]
    assert [type(side) for side in paths] == [set, set]


@every_gradient
def test_a_path_that_is_named_twice_counts_once(endpoint: str, runtime: Make) -> None:
    """Duplicates on either side change nothing."""
    made = runtime(IDENTITY)
    once = answer(made, endpoint, ask(endpoint, X))
    twice = ask(endpoint, X) | {
        f"{PREFIXES[endpoint]}_inputs": ["x", "x"],
        f"{PREFIXES[endpoint]}_outputs": ["y", "y", "y"],
    }
    assert answer(made, endpoint, twice) == once


@every_gradient
def test_inputs_are_the_authors_model(endpoint: str, runtime: Make) -> None:
    """Methods of the author's class work, its validators have run, and it is an instance."""
    made = runtime(
        IDENTITY.replace(
            "class OutputSchema",
            "    def norm(self):\n        return float(np.linalg.norm(self.x))\n\n"
            "    @field_validator('x')\n    @classmethod\n    def scale(cls, x):\n"
            "        return 10 * x\n\n"
            "class OutputSchema",
        )
    )
    answer(made, endpoint, ask(endpoint, {"x": [3.0, 4.0]}))
    inputs = seen(made)[0]["inputs"]
    assert inputs.norm() == 50.0
    assert isinstance(inputs, made.api.input_schema)


@every_gradient
def test_inputs_of_the_author_can_be_given(endpoint: str, runtime: Make) -> None:
    """In Python the payload may hold an instance of the author's own model."""
    made = runtime(IDENTITY)
    inputs = made.api.input_schema.model_validate(X)
    result: Any = made.call(endpoint, ask(endpoint, inputs))
    assert result.root


@every_gradient
def test_unknown_keys_are_refused(endpoint: str, runtime: Make) -> None:
    """A payload takes no further keys, and neither do its inputs."""
    wrong = fault(runtime(IDENTITY), endpoint, ask(endpoint, X | {"z": 1}) | {"method": "exact"})
    assert wrong.kind is FaultKind.INVALID_PAYLOAD
    assert [(detail["type"], detail["loc"]) for detail in wrong.details] == [
        ("extra_forbidden", ["inputs", "z"]),
        ("extra_forbidden", ["method"]),
    ]


@every_gradient
def test_every_key_is_needed(endpoint: str, runtime: Make) -> None:
    """An empty payload is refused with all missing fields."""
    made = runtime(IDENTITY)
    wrong = fault(made, endpoint, {})
    assert [detail["type"] for detail in wrong.details] == ["missing"] * len(ask(endpoint, X))
    assert [detail["loc"] for detail in wrong.details] == [[key] for key in ask(endpoint, X)]


@every_gradient
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_at_least_one_path_is_needed(endpoint: str, side: str, runtime: Make) -> None:
    """An empty list of paths asks for nothing, and is refused."""
    key = f"{PREFIXES[endpoint]}_{side}"
    wrong = fault(runtime(IDENTITY), endpoint, ask(endpoint, X) | {key: []})
    assert ("too_short", [key]) in [(d["type"], d["loc"]) for d in wrong.details]


@every_gradient
@pytest.mark.parametrize("paths", ["x", {"x": 1}, [1], [None], None])
def test_paths_are_a_list_of_text(endpoint: str, paths: Any, runtime: Make) -> None:
    """Anything else than a list of text is refused."""
    key = f"{PREFIXES[endpoint]}_inputs"
    wrong = fault(runtime(IDENTITY), endpoint, ask(endpoint, X) | {key: paths})
    assert wrong.kind is FaultKind.INVALID_PAYLOAD
    assert wrong.details[0]["loc"][0] == key


@every_gradient
def test_all_faults_are_told_at_once(endpoint: str, runtime: Make) -> None:
    """Wrong inputs do not hide wrong paths, nor these the rest."""
    payload = ask(endpoint, {"x": [[1.0]]}, of=("z",), by=("yy", "x.y")) | {"more": 1}
    wrong = fault(runtime(IDENTITY), endpoint, payload)
    prefix = PREFIXES[endpoint]
    assert [(detail["type"], detail["loc"]) for detail in wrong.details] == [
        ("array_dimensionality_mismatch", ["inputs", "x"]),
        ("unknown_path", [f"{prefix}_inputs", 0]),
        ("unknown_path", [f"{prefix}_inputs", 1]),
        ("unknown_path", [f"{prefix}_outputs", 0]),
        ("extra_forbidden", ["more"]),
    ]


@every_gradient
def test_an_exception_of_the_author_is_a_fault(endpoint: str, runtime: Make) -> None:
    """Type and text are the message, the frames are the author's and no other."""
    source = IDENTITY + (
        "def solve():\n    raise ArithmeticError('singular')\n"
        f"def {endpoint}(**named):\n    return solve()\n"
    )
    failed = fault(runtime(source), endpoint, ask(endpoint, X))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert failed.message.startswith("ArithmeticError: singular (")
    frames = [line for line in failed.trace.splitlines() if line.startswith("  File ")]
    assert [frame.rsplit(" in ")[1] for frame in frames] == [endpoint, "solve"]


@every_gradient
def test_an_exception_of_the_author_is_itself_in_python(endpoint: str, runtime: Make) -> None:
    """`Runtime.call` raises what the author's function raises."""
    made = runtime(IDENTITY + returning("{}['none']", endpoint))
    with pytest.raises(KeyError, match="none") as caught:
        made.call(endpoint, ask(endpoint, X))
    assert caught.traceback[-1].name == endpoint


@every_gradient
def test_a_refused_model_of_the_author_is_no_wrong_payload(endpoint: str, runtime: Make) -> None:
    """A ValidationError that an author causes is the Tesseract's failure, not the caller's."""
    made = runtime(IDENTITY + returning("InputSchema(x='a')", endpoint))
    failed = fault(made, endpoint, ask(endpoint, X))
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith("ValidationError: 1 validation error for InputSchema")


@every_gradient
def test_the_docstring_of_an_author_is_told(endpoint: str, runtime: Make) -> None:
    """The docstring of the author's function is the endpoint's documentation."""
    made = runtime(IDENTITY + f"def {endpoint}(**named):\n    'Derived by hand.'\n")
    assert made.bound(endpoint).doc == "Derived by hand."


def test_a_tangent_and_a_cotangent_are_arrays(runtime: Make) -> None:
    """Vectors come as numpy arrays in the data type of their field, and of rank 0 as scalars."""
    made = runtime(
        HEADER
        + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float32]]
    s: Differentiable[Float64]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float32]]
    t: Differentiable[Float64]

def apply(inputs):
    return {"y": inputs.x, "t": inputs.s}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    SEEN.append(tangent_vector)
    return {"y": tangent_vector["x"], "t": tangent_vector["s"]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    SEEN.append(cotangent_vector)
    return {"x": cotangent_vector["y"], "s": cotangent_vector["t"]}
"""
    )
    inputs = {"x": [1, 2], "s": 3}
    tangent = {"x": [True, False], "s": 2}
    jvp = ask(JVP, inputs, of="yt", by="xs", vector=tangent)
    vjp = ask(VJP, inputs, of="yt", by="xs", vector={"y": [1, 0], "t": 2})
    assert numbers(answer(made, JVP, jvp)) == {"y": [1.0, 0.0], "t": 2.0}
    assert numbers(answer(made, VJP, vjp)) == {"x": [1.0, 0.0], "s": 2.0}
    for vector in seen(made):
        long, scalar = vector.values()
        assert (type(long), long.dtype, long.flags.writeable) == (np.ndarray, np.float32, True)
        assert type(scalar) is np.float64


@pytest.mark.parametrize(
    ("endpoint", "vector", "type_", "message"),
    [
        (
            JVP,
            {"x": [1.0, 2.0, 3.0]},
            "array_shape_mismatch",
            "Tangent of 'x': Array shape (3,) is incompatible with expected shape (2,)",
        ),
        (
            JVP,
            {"x": [[1.0, 2.0]]},
            "array_dimensionality_mismatch",
            "Tangent of 'x': Array has wrong number of dimensions: got 2D, expected 1D",
        ),
        (
            JVP,
            {"x": 1.0},
            "array_dimensionality_mismatch",
            "Tangent of 'x': Array has wrong number of dimensions: got 0D, expected 1D",
        ),
        (
            JVP,
            {"x": {"shape": [1], "dtype": "complex64", "data": {"buffer": ["1j"]}}},
            "array_decode_error",
            'data needs an \'encoding\', for instance "encoding": "json"',
        ),
        (
            JVP,
            {
                "x": {
                    "shape": [1],
                    "dtype": "complex64",
                    "data": {"buffer": ["1j"], "encoding": "json"},
                }
            },
            "array_dtype_mismatch",
            "Tangent of 'x': Array dtype 'complex64' cannot be safely cast to 'float64'",
        ),
        (
            VJP,
            {"y": [1.0, 2.0, 3.0]},
            "array_shape_mismatch",
            "Cotangent of 'y': Array shape (3,) is incompatible with expected shape (2,)",
        ),
        (
            VJP,
            {"y": [[1.0, 2.0]]},
            "array_dimensionality_mismatch",
            "Cotangent of 'y': Array has wrong number of dimensions: got 2D, expected 1D",
        ),
        (VJP, {"y": "a"}, "array_non_numeric", "Could not parse value as a numeric array"),
    ],
)
def test_a_vector_that_does_not_fit_is_refused(
    endpoint: str, vector: Mapping[str, Any], type_: str, message: str, runtime: Make
) -> None:
    """A wrong vector is the caller's fault, with the path and what was expected there."""
    made = runtime(IDENTITY)
    wrong = fault(made, endpoint, ask(endpoint, X, vector=vector))
    assert (wrong.kind, wrong.kind.status) == (FaultKind.INVALID_PAYLOAD, 422)
    assert [detail["type"] for detail in wrong.details] == [type_]
    assert message in wrong.details[0]["msg"]
    assert wrong.details[0]["loc"][0] in ("tangent_vector", "cotangent_vector")
    [value] = vector.values()
    assert wrong.details[0].get("input", summary(value)) == summary(value)
    assert seen(made) == []


@pytest.mark.parametrize(
    ("endpoint", "noun", "key", "path"),
    [(JVP, "tangent vector", "jvp_inputs", "x"), (VJP, "cotangent vector", "vjp_outputs", "y")],
)
@pytest.mark.parametrize(
    ("vector", "got"), [({}, "none"), ({"z": [1.0]}, "z"), ({"x": [1], "y": [1]}, "x, y")]
)
def test_a_vector_has_the_keys_that_are_named(
    endpoint: str,
    noun: str,
    key: str,
    path: str,
    vector: Mapping[str, Any],
    got: str,
    runtime: Make,
) -> None:
    """A missing or unexpected key is reported with the expected ones."""
    with pytest.raises(InvalidPayload) as caught:
        runtime(IDENTITY).call(endpoint, ask(endpoint, X, vector=vector))
    assert str(caught.value) == (
        f"{noun.replace(' ', '_')}: Expected {noun} with keys conforming to {key}: {path}, "
        f"got {got}"
    )
    context = {"noun": noun, "field": key, "asked": path, "got": got}
    assert caught.value.details[0]["ctx"] == context


def test_a_short_vector_is_broadcast(runtime: Make) -> None:
    """A size of 1 becomes that of the input or output, in memory that may be written."""
    made = runtime(IDENTITY)
    three = {"x": [1.0, 2.0, 3.0]}
    assert numbers(answer(made, JVP, ask(JVP, three, vector={"x": [2]}))) == {"y": [2.0] * 3}
    assert numbers(answer(made, VJP, ask(VJP, three, vector={"y": [2]}))) == {"x": [2.0] * 3}
    tangent, cotangent = (
        named[f"{kind}_vector"][path]
        for named, kind, path in zip(seen(made), ("tangent", "cotangent"), "xy", strict=True)
    )
    for vector in (tangent, cotangent):
        vector[0] = 5
        assert vector.tolist() == [5.0, 2.0, 2.0]


@pytest.mark.parametrize("endpoint", [JVP, VJP])
def test_vectors_may_have_nan_and_infinities(endpoint: str, runtime: Make) -> None:
    """NaN and infinities are read in vectors and written in products."""
    path, result = ("x", "y") if endpoint == JVP else ("y", "x")
    payload = ask(endpoint, X, vector={path: ["NaN", "-Infinity"]})
    assert numbers(answer(runtime(IDENTITY), endpoint, payload)) == {result: ["NaN", "-Infinity"]}


def test_all_faults_of_a_vector_are_told(runtime: Make) -> None:
    """Each path of a vector that does not fit has a fault of its own, in its own place."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    a: Differentiable[Array[(2,), Float64]]\n"
        "    b: Differentiable[Array[(2,), Float64]]\n"
        "class OutputSchema(BaseModel):\n    y: Differentiable[Float64]\n"
        "def apply(inputs): ...\n" + returning("{}", JVP)
    )
    vector = {"a": [1.0, 2.0, 3.0], "b": [[1.0]]}
    payload = ask(JVP, {"a": [1, 2], "b": [3, 4]}, by="ab", vector=vector)
    wrong = fault(runtime(source), JVP, payload)
    assert [(detail["type"], detail["loc"]) for detail in wrong.details] == [
        ("array_shape_mismatch", ["tangent_vector", "a"]),
        ("array_dimensionality_mismatch", ["tangent_vector", "b"]),
    ]
