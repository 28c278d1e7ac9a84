"""Results of gradient functions are validated against the request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import FaultKind, InvalidResult
from tests.builtin.conftest import (
    GRADIENTS,
    HEADER,
    IDENTITY,
    JACOBIAN,
    JVP,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    returning,
)

X = {"x": [1.0, 2.0]}

MATRICES = (
    HEADER
    + """
class InputSchema(BaseModel):
    m: Differentiable[Array[(2, None), Float64]]
    s: Differentiable[Float32] = 1.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None, 3), Float32]]
    t: Differentiable[Float64]

def apply(inputs):
    return {"y": np.zeros((4, 3)), "t": 0.0}
"""
)
"""A Tesseract with matrices and numbers in two data types, and no gradient yet."""

M = {"m": [[1.0] * 5, [2.0] * 5]}


def test_a_jacobian_has_a_block_for_each_pair(runtime: Make) -> None:
    """Each block has the shape of its output followed by that of its input."""
    blocks = "{o: {i: np.ones((*OUT[o], *IN[i])) for i in 'ms'} for o in 'yt'}"
    sizes = "OUT, IN = {'y': (4, 3), 't': ()}, {'m': (2, 5), 's': ()}\n"
    made = runtime(MATRICES + sizes + returning(blocks, JACOBIAN))
    result: Any = made.call(JACOBIAN, ask(JACOBIAN, M, of="yt", by="ms"))
    shapes = {(o, i): np.shape(b) for o, row in result.root.items() for i, b in row.items()}
    assert shapes == {
        ("y", "m"): (4, 3, 2, 5),
        ("y", "s"): (4, 3),
        ("t", "m"): (2, 5),
        ("t", "s"): (),
    }
    assert type(result.root["t"]["s"]) is np.float64


@pytest.mark.parametrize(
    ("computed", "answered"),
    [
        ("float16", "float16"),
        ("float32", "float32"),
        ("float64", "float64"),
        (">f8", "float64"),
        ("complex64", "complex64"),
        ("complex128", "complex128"),
        ("longdouble", "float32"),
        ("int8", "float32"),
        ("bool", "float32"),
    ],
)
def test_a_jacobian_keeps_its_data_type(computed: str, answered: str, runtime: Make) -> None:
    """Floating point and complex blocks stay as returned, others get the type of the output."""
    blocks = f"{{'y': {{'m': np.zeros((4, 3, 2, 5), {computed!r})}}}}"
    document = answer(
        runtime(MATRICES + returning(blocks, JACOBIAN)), JACOBIAN, ask(JACOBIAN, M, by="m")
    )
    assert document["y"]["m"]["dtype"] == answered


def test_a_jacobian_may_exceed_the_range_of_its_output(runtime: Make) -> None:
    """A derivative of float32 that needs float64 is written in it."""
    made = runtime(MATRICES + returning("{'t': {'s': 1e300}, 'y': {'s': [[1e300] * 3]}}", JACOBIAN))
    document = answer(made, JACOBIAN, ask(JACOBIAN, {**M, "s": 1.0}, of="ty", by="s"))
    assert numbers(document) == {"t": {"s": 1e300}, "y": {"s": [[1e300] * 3]}}


@pytest.mark.parametrize("computed", ["float64", "float16", "int8", "bool", "float32"])
def test_derivatives_of_an_output_have_its_data_type(computed: str, runtime: Make) -> None:
    """A product with a tangent has the data type of the output, for any real type."""
    made = runtime(MATRICES + returning(f"{{'y': np.zeros((4, 3), {computed!r})}}", JVP))
    document = answer(made, JVP, ask(JVP, M, by="m", vector={"m": [[1.0] * 5] * 2}))
    assert document["y"]["dtype"] == "float32"


def test_derivatives_by_an_input_have_its_data_type(runtime: Make) -> None:
    """A product with a cotangent is in the data type of each input."""
    made = runtime(MATRICES + returning("{'m': np.zeros((2, 5), 'f4'), 's': np.float64(1)}", VJP))
    payload = ask(VJP, M, of="t", by="ms", vector={"t": 1.0})
    document = answer(made, VJP, payload)
    assert {path: array["dtype"] for path, array in document.items()} == {
        "m": "float64",
        "s": "float32",
    }


@pytest.mark.parametrize("numbers_", ["[1, 2]", "(True, False)", "[np.int8(1), np.int8(2)]"])
@pytest.mark.parametrize(
    ("endpoint", "returned"),
    [(JACOBIAN, "{{'y': {{'x': [{0}, {0}]}}}}"), (JVP, "{{'y': {0}}}"), (VJP, "{{'x': {0}}}")],
)
def test_derivatives_in_lists_have_the_declared_data_type(
    endpoint: str, returned: str, numbers_: str, runtime: Make
) -> None:
    """Plain Python numbers are written in the data type of the field, as those of `apply`."""
    made = runtime(IDENTITY + returning(returned.format(numbers_), endpoint))
    result: Any = made.call(endpoint, ask(endpoint, X))
    (array,) = result.root["y"].values() if endpoint == JACOBIAN else result.root.values()
    assert array.dtype == np.float64


@pytest.mark.parametrize(
    ("endpoint", "returned"),
    [(JVP, "{'y': np.array([1j, 2])}"), (VJP, "{'x': np.array([1j, 2])}")],
)
def test_derivatives_of_another_kind_are_refused(
    endpoint: str, returned: str, runtime: Make
) -> None:
    """Complex derivatives of a real function are the author's fault."""
    made = runtime(IDENTITY + returning(returned, endpoint))
    failed = fault(made, endpoint, ask(endpoint, X))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert "complex128" in failed.message
    assert "float64" in failed.message


def test_derivatives_that_overflow_are_refused(runtime: Make) -> None:
    """A finite derivative does not become infinite without a word."""
    made = runtime(MATRICES + returning("{'y': np.full((4, 3), 1e300)}", JVP))
    with pytest.raises(InvalidResult, match="do not fit into dtype 'float32'"):
        made.call(JVP, ask(JVP, M, by="s", vector={"s": 1.0}))


def test_derivatives_of_complex_functions_are_complex(runtime: Make) -> None:
    """A complex field has complex tangents and products."""
    source = (
        HEADER
        + (
            "class InputSchema(BaseModel):\n    x: Differentiable[Array[(None,), Complex64]]\n"
            "class OutputSchema(BaseModel):\n    y: Differentiable[Array[(None,), Complex64]]\n"
            "def apply(inputs): ...\n"
        )
        + returning("{'y': 1j * named['tangent_vector']['x']}", JVP)
    )
    document = answer(runtime(source), JVP, ask(JVP, X, vector={"x": [1.0, 2.0]}))
    assert (document["y"]["dtype"], numbers(document["y"])) == ("complex64", ["1j", "2j"])


@pytest.mark.parametrize(
    ("endpoint", "returned", "message"),
    [
        (JACOBIAN, "{}", "jacobian returned a dict with the keys none, expected y."),
        (
            JACOBIAN,
            "{'y': {}, 'z': {}}",
            "jacobian returned a dict with the keys y, z, expected y.",
        ),
        (
            JACOBIAN,
            "{'y': {'x': np.eye(2), 'q': 1}}",
            "jacobian of 'y' returned a dict with the keys q, x, expected x.",
        ),
        (JVP, "{'x': np.ones(2)}", f"{JVP} returned a dict with the keys x, expected y."),
        (VJP, "{'y': np.ones(2)}", f"{VJP} returned a dict with the keys y, expected x."),
        (
            VJP,
            "{'x': np.ones(2), 's': 1}",
            f"{VJP} returned a dict with the keys s, x, expected x.",
        ),
    ],
)
def test_wrong_keys_are_the_authors_fault(
    endpoint: str, returned: str, message: str, runtime: Make
) -> None:
    """The message has the received and the requested keys."""
    made = runtime(IDENTITY + returning(returned, endpoint))
    failed = fault(made, endpoint, ask(endpoint, X))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert failed.message == message


@pytest.mark.parametrize("key", ["y[0]", "y.0", "d y"])
@pytest.mark.parametrize("endpoint", GRADIENTS)
def test_keys_that_are_no_paths_are_the_authors_fault(
    endpoint: str, key: str, runtime: Make
) -> None:
    """A key that is not a path is reported like any other wrong key."""
    value = "{'x': np.eye(2)}" if endpoint == JACOBIAN else "np.ones(2)"
    made = runtime(IDENTITY + returning(f"{{{key!r}: {value}}}", endpoint))
    failed = fault(made, endpoint, ask(endpoint, X))
    expected = "x" if endpoint == VJP else "y"
    assert failed.message == f"{endpoint} returned a dict with the keys {key}, expected {expected}."


@pytest.mark.parametrize(
    ("endpoint", "returned", "message"),
    [
        (
            JACOBIAN,
            "{'y': {'m': np.zeros((2, 5, 4, 3))}}",
            "jacobian of 'y' by 'm' returned an array of shape (2, 5, 4, 3), "
            "expected (None, 3, 2, 5).",
        ),
        (
            JACOBIAN,
            "{'y': {'m': np.zeros((4, 3, 10))}}",
            "jacobian of 'y' by 'm' returned an array of shape (4, 3, 10), "
            "expected (None, 3, 2, 5).",
        ),
        (
            JACOBIAN,
            "{'y': {'m': 0.0}}",
            "jacobian of 'y' by 'm' returned an array of shape (), expected (None, 3, 2, 5).",
        ),
        (
            JVP,
            "{'y': np.zeros((4, 1))}",
            f"{JVP} of 'y' returned an array of shape (4, 1), expected (None, 3).",
        ),
        (
            JVP,
            "{'y': np.zeros(3)}",
            f"{JVP} of 'y' returned an array of shape (3,), expected (None, 3).",
        ),
        (
            VJP,
            "{'m': np.zeros((2, 1))}",
            f"{VJP} of 'm' returned an array of shape (2, 1), expected (2, 5).",
        ),
        (VJP, "{'m': 0.0}", f"{VJP} of 'm' returned an array of shape (), expected (2, 5)."),
    ],
)
def test_wrong_shapes_are_the_authors_fault(
    endpoint: str, returned: str, message: str, runtime: Make
) -> None:
    """The message has the received and the expected shape; nothing is broadcast."""
    made = runtime(MATRICES + returning(returned, endpoint))
    vector = {"m": [[1.0] * 5] * 2} if endpoint == JVP else {"y": [[1.0] * 3] * 4}
    failed = fault(made, endpoint, ask(endpoint, M, by="m", vector=vector))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert failed.message == message


def test_the_blocks_of_a_row_agree(runtime: Make) -> None:
    """An output has one shape, whatever it is differentiated by."""
    made = runtime(
        MATRICES
        + returning("{'y': {'m': np.zeros((4, 3, 2, 5)), 's': np.zeros((6, 3))}}", JACOBIAN)
    )
    with pytest.raises(InvalidResult) as caught:
        made.call(JACOBIAN, ask(JACOBIAN, M, by="ms"))
    assert str(caught.value) == (
        "jacobian of 'y' by 's' returned an array of shape (6, 3), expected (4, 3)."
    )


@pytest.mark.parametrize(
    ("endpoint", "returned"),
    [(JACOBIAN, "{'y': {'x': np.ones((7, 2))}}"), (JVP, "{'y': np.ones(7)}")],
)
def test_derivatives_have_the_shape_that_the_output_has(
    endpoint: str, returned: str, runtime: Make
) -> None:
    """Where the schema leaves a size open and `abstract_eval` tells it, that one is expected."""
    source = IDENTITY + "def abstract_eval(inputs):\n    return {'y': inputs.x}\n"
    failed = fault(runtime(source + returning(returned, endpoint)), endpoint, ask(endpoint, X))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert "expected (2" in failed.message


@pytest.mark.parametrize("endpoint", GRADIENTS)
@pytest.mark.parametrize(
    ("returned", "came"),
    [
        ("None", "None"),
        ("3", "3"),
        ("[1, 2]", "list of 2 items"),
        ("np.ones(2)", "array of shape (2,) and dtype float64"),
        ("{3: np.ones(2)}", "object with keys '3'"),
        ("{'x': 'a', 'y': 'a'}", "object with keys 'x', 'y'"),
        ("{'x': None, 'y': None}", "object with keys 'x', 'y'"),
        ("{'x': np.array(['a']), 'y': np.array([None])}", "object with keys 'x', 'y'"),
    ],
)
def test_what_is_no_derivative_is_the_authors_fault(
    endpoint: str, returned: str, came: str, runtime: Make
) -> None:
    """The message names the value in place of arrays by path."""
    made = runtime(IDENTITY + returning(returned, endpoint))
    failed = fault(made, endpoint, ask(endpoint, X))
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert failed.message.startswith(endpoint)
    assert "returned" in failed.message
    assert "expected" in failed.message
    assert came in failed.message or "keys" in failed.message or "array" in failed.message


@pytest.mark.parametrize("endpoint", GRADIENTS)
def test_masked_derivatives_are_the_authors_fault(endpoint: str, runtime: Make) -> None:
    """An array with masked elements is refused, as its mask would be lost."""
    masked = "np.ma.masked_array([1.0, 2.0], [True, False])"
    returned = {JACOBIAN: f"{{'y': {{'x': {masked}}}}}", VJP: f"{{'x': {masked}}}"}
    source = returning(returned.get(endpoint, f"{{'y': {masked}}}"), endpoint)
    failed = fault(runtime(IDENTITY + source), endpoint, ask(endpoint, X))
    assert failed.kind.status == 500
    assert "replace them with .filled(value)" in failed.message


@pytest.mark.parametrize("change", ["list(inputs.x)", "inputs.x.reshape(-1, 1)", "None"])
@pytest.mark.parametrize(
    ("endpoint", "returned"),
    [(JACOBIAN, {"y": {"x": [[1.0, 0.0], [0.0, 1.0]]}}), (VJP, {"x": [3.0, 4.0]})],
)
def test_an_author_may_change_the_inputs(
    endpoint: str, returned: Any, change: str, runtime: Make
) -> None:
    """A result is validated against the received inputs, not those that the function changed."""
    source = IDENTITY + (
        f"def {endpoint}(inputs, **named):\n    inputs.x = {change}\n    return {returned}\n"
    )
    payload = ask(endpoint, X, vector={"y": [1.0, 1.0]})
    assert numbers(answer(runtime(source), endpoint, payload)) == returned


def test_what_has_an_array_is_taken_as_one(runtime: Make) -> None:
    """Arrays of other libraries are taken through numpy's protocol."""
    made = runtime(
        IDENTITY
        + """
class Foreign:
    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0], dtype)
"""
        + returning("{'y': Foreign()}", JVP)
    )
    assert numbers(answer(made, JVP, ask(JVP, X))) == {"y": [1.0, 2.0]}
