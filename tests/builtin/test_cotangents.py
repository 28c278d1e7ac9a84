"""The shapes of cotangents: where they come from, and at what cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import FaultKind, InvalidPayload
from tests.builtin.conftest import (
    HEADER,
    IDENTITY,
    JVP,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    seen,
    times_applied,
)

ZEROS = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]] = [1.0]
    k: int = 2
    n: Int32 = 2
    text: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    APPLIED.append(inputs)
    return {"y": np.zeros(LENGTH(inputs))}

def LENGTH(inputs):
    return inputs.k

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    SEEN.append(cotangent_vector)
    return {path: np.zeros_like(inputs.x) for path in vjp_inputs}
"""
)
"""A Tesseract whose output is as long as some of its inputs say."""


def of_length(length: int, **inputs: Any) -> dict[str, Any]:
    """Return the payload with a cotangent of a length."""
    return ask(VJP, inputs, vector={"y": [1.0] * length})


def test_a_large_vector_is_refused(runtime: Make) -> None:
    """A number is not broadcast to an output or input of more bytes than the memory limit."""
    made = runtime(ZEROS, memory_limit=10**6)
    assert fault(made, VJP, of_length(1, k=200_000)).message == (
        "The cotangent of 'y' takes 1600000 bytes, more than the 1000000 bytes that --memory-limit "
        "allows. Ask for fewer inputs and outputs at a time, or raise the limit."
    )
    assert seen(made) == []
    made = runtime(IDENTITY, memory_limit=10**6, max_json_items=10**6)
    found = fault(made, JVP, ask(JVP, {"x": [1.0] * 150_000}))
    assert found.kind is FaultKind.MEMORY_EXCEEDED
    assert found.message.startswith("tangent_vector.x: Tangent of 'x': An array of shape (150000,)")


def test_outputs_of_a_fixed_shape_are_not_computed(runtime: Make) -> None:
    """A fixed shape in the schema is enough."""
    made = runtime(ZEROS.replace("y: Differentiable[Array[(None,)", "y: Differentiable[Array[(3,)"))
    answer(made, VJP, of_length(3, k=3))
    wrong = fault(made, VJP, of_length(2, k=3))
    assert [(detail["type"]) for detail in wrong.details] == ["array_shape_mismatch"]
    assert times_applied(made) == 0


def test_outputs_are_computed_once(runtime: Make) -> None:
    """The shapes at inputs of the same shapes and plain values are remembered."""
    made = runtime(ZEROS)
    for values in ([1.0, 2.0], [3.0, 4.0], [0.0, 0.0]):
        answer(made, VJP, of_length(2, x=values))
    assert times_applied(made) == 1


@pytest.mark.parametrize(
    "other", [{"k": 3}, {"x": [1.0, 2.0]}, {"text": "fast"}], ids=["int", "shape", "str"]
)
def test_outputs_are_computed_for_each_signature(other: dict[str, Any], runtime: Make) -> None:
    """Other values or shapes may have outputs of other shapes."""
    made = runtime(ZEROS)
    answer(made, VJP, of_length(2))
    answer(made, VJP, of_length(other.get("k", 2), **other))
    assert times_applied(made) == 2
    answer(made, VJP, of_length(2))
    assert times_applied(made) == 2


@pytest.mark.parametrize("field", ["n: Int32 = 2", "n: Array[(None,), Int64] = [2]"])
def test_an_output_may_be_as_long_as_an_integer_array_says(field: str, runtime: Make) -> None:
    """The right cotangent is accepted also where sizes are values of arrays."""
    source = ZEROS.replace("n: Int32 = 2", field).replace(
        "return inputs.k", "return int(np.sum(inputs.n))"
    )
    made = runtime(source)
    scalar = field.startswith("n: Int32")
    answer(made, VJP, of_length(2, n=2 if scalar else [2]))
    answer(made, VJP, of_length(3, n=3 if scalar else [3]))
    with pytest.raises(InvalidPayload, match="expected shape"):
        made.call(VJP, of_length(3, n=2 if scalar else [2]))


def test_an_output_may_depend_on_a_field_that_is_not_dumped(runtime: Make) -> None:
    """Every field counts, also one that is excluded from documents."""
    made = runtime(ZEROS.replace("k: int = 2", "k: int = Field(2, exclude=True)"))
    answer(made, VJP, of_length(2, k=2))
    answer(made, VJP, of_length(3, k=3))


def test_a_cotangent_of_another_length_is_refused(runtime: Make) -> None:
    """The expected length is that of the real output; the message has the place in the payload."""
    made = runtime(ZEROS)
    wrong = fault(made, VJP, of_length(3))
    assert (wrong.kind, wrong.kind.status) == (FaultKind.INVALID_PAYLOAD, 422)
    assert [(detail["type"], detail["loc"], detail["msg"]) for detail in wrong.details] == [
        (
            "array_shape_mismatch",
            ["cotangent_vector", "y"],
            "Cotangent of 'y': Array shape (3,) is incompatible with expected shape (2,)",
        )
    ]
    assert seen(made) == []


def test_a_cotangent_of_length_1_is_broadcast_to_the_output(runtime: Make) -> None:
    """The author's function gets the length of the real output."""
    made = runtime(ZEROS)
    answer(made, VJP, of_length(1, k=4))
    assert seen(made)[0]["y"].tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("cotangent", "rank"), [(1.0, 0), ([1.0, 1.0], 1), ([[[1.0]]], 3)], ids=["0D", "1D", "3D"]
)
def test_an_output_of_any_shape_has_a_rank_all_the_same(
    cotangent: Any, rank: int, runtime: Make
) -> None:
    """Where the schema allows any shape, that of the real output is needed."""
    source = ZEROS.replace(
        "y: Differentiable[Array[(None,)", "y: Differentiable[Array[..."
    ).replace("return inputs.k", "return (2, 3)")
    made = runtime(source)
    answer(made, VJP, ask(VJP, {}, vector={"y": [[1.0, 1.0, 1.0]]}))
    assert seen(made)[0]["y"].shape == (2, 3)
    with pytest.raises(InvalidPayload, match=f"got {rank}D, expected 2D"):
        made.call(VJP, ask(VJP, {}, vector={"y": cotangent}))


def test_all_wrong_cotangents_are_told(runtime: Make) -> None:
    """Each output has a fault of its own."""
    made = runtime(
        ZEROS.replace("class OutputSchema(BaseModel):", "class OutputSchema(BaseModel):\n    z: Y")
        .replace("SEEN = []", "SEEN = []\nY = Differentiable[Array[(None,), Float64]]")
        .replace('return {"y"', 'return {"z": np.zeros(5), "y"')
    )
    wrong = fault(made, VJP, ask(VJP, {}, of="yz", vector={"y": [1] * 3, "z": [1] * 4}))
    assert [detail["loc"] for detail in wrong.details] == [
        ["cotangent_vector", "y"],
        ["cotangent_vector", "z"],
    ]


def test_abstract_eval_spares_apply(runtime: Make) -> None:
    """Shapes come from `abstract_eval` where there is one."""
    made = runtime(
        ZEROS
        + "def abstract_eval(i):\n    return {'y': ShapeDType(shape=(i.k,), dtype='float64')}\n"
    )
    answer(made, VJP, of_length(3, k=3))
    with pytest.raises(InvalidPayload, match=r"expected shape \(3,\)"):
        made.call(VJP, of_length(2, k=3))
    assert times_applied(made) == 0


@pytest.mark.parametrize(
    ("fields", "inputs"),
    [
        ("x: Vector = Field(alias='X')", {"X": [1.0, 2.0]}),
        ("x: Vector = Field(validation_alias='X')", {"X": [1.0, 2.0]}),
        ("x: Vector\n    secret: int = Field(exclude=True)", {"x": [1.0, 2.0], "secret": 3}),
        (
            "x: Vector\n    @computed_field\n    def size(self) -> int:\n        return 2",
            {"x": [1.0, 2.0]},
        ),
        (
            "x: Vector\n    @field_serializer('x')\n    def plain(self, x):\n"
            "        return {'first': float(x[0])}",
            {"x": [1.0, 2.0]},
        ),
        (
            "x: Vector\n    k: int = 2\n    @field_serializer('k')\n    def plain(self, k):\n"
            "        return f'{k} m'",
            {"x": [1.0, 2.0]},
        ),
        (
            "x: Vector\n    mask: Array[(2, None), Float64]\n    none: Array[(0,), Float32] = []",
            {"x": [1.0, 2.0], "mask": [[1.0], [2.0]]},
        ),
    ],
    ids=["alias", "validation_alias", "exclude", "computed", "of_array", "of_number", "arrays"],
)
@pytest.mark.parametrize("abstract", ["abstract_eval", "unused"])
def test_shapes_are_known_for_inputs_of_every_kind(
    fields: str, inputs: dict[str, Any], abstract: str, runtime: Make
) -> None:
    """Models that do not dump what they read do not prevent shapes of outputs."""
    made = runtime(
        HEADER
        + f"""
Vector = Differentiable[Array[(None,), Float64]]

class InputSchema(BaseModel):
    {fields}

class OutputSchema(BaseModel):
    y: Vector

def apply(inputs):
    return {{"y": inputs.x}}

def {abstract}(inputs):
    return {{"y": inputs.x}}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {{"x": cotangent_vector["y"]}}
"""
    )
    payload = ask(VJP, inputs, vector={"y": [3.0, 4.0]})
    assert numbers(answer(made, VJP, payload)) == {"x": [3.0, 4.0]}


def test_what_apply_changes_does_not_reach_the_gradient(runtime: Make) -> None:
    """Inputs that `apply` writes into are copies."""
    made = runtime(
        IDENTITY
        + "def apply(inputs):\n    inputs.x *= 0\n    inputs.x[:] = 7\n    return {'y': inputs.x}\n"
        + "def vector_jacobian_product(inputs, **named):\n    return {'x': inputs.x}\n"
    )
    payload = ask(VJP, {"x": [1.0, 2.0]}, vector={"y": [1.0, 1.0]})
    assert numbers(answer(made, VJP, payload)) == {"x": [1.0, 2.0]}


def test_an_apply_that_fails_is_told_and_not_remembered(runtime: Make) -> None:
    """The author's exception is the fault; the next call tries again."""
    made = runtime(
        ZEROS
        + "def LENGTH(inputs):\n    if len(APPLIED) == 1:\n        raise OSError('no licence')\n"
        + "    return 2\n"
    )
    failed = fault(made, VJP, of_length(2))
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith("OSError: no licence (")
    answer(made, VJP, of_length(2))


@pytest.mark.parametrize("endpoint", ["apply", "abstract_eval"])
def test_wrong_outputs_are_told_as_those_of_their_endpoint(endpoint: str, runtime: Make) -> None:
    """A result that does not fit its schema is reported as the author's fault."""
    made = runtime(IDENTITY + f"def {endpoint}(inputs):\n    return {{'y': [[1.0]], 'q': 1}}\n")
    failed = fault(made, VJP, ask(VJP, {"x": [1.0]}))
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith("The Tesseract returned object with keys 'y', 'q'")
    assert "got 2D, expected 1D" in failed.message
    assert "https://" not in failed.message


def test_an_output_that_is_absent_takes_any_cotangent(runtime: Make) -> None:
    """A cotangent of a missing output is passed to the author's function unchecked."""
    made = runtime(
        ZEROS.replace("y: Differentiable", "y: None | Differentiable").replace(
            '{"y": np.zeros(LENGTH(inputs))}', '{"y": None}'
        )
    )
    answer(made, VJP, of_length(3))
    assert seen(made)[0]["y"].tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("kind", "length", "dtype"), [("short", 2, "float64"), ("long", 3, "float32")]
)
def test_each_member_of_a_union_has_its_own_array(
    kind: str, length: int, dtype: str, runtime: Make
) -> None:
    """Models that differ in shape and data type of the same field may stand in one place."""
    made = runtime(
        HEADER
        + """
from typing import Literal

class Short(BaseModel):
    kind: Literal["short"]
    w: Differentiable[Array[(2,), Float64]]

class Long(BaseModel):
    kind: Literal["long"]
    w: Differentiable[Array[(3,), Float32]]

class InputSchema(BaseModel):
    u: Short | Long

class OutputSchema(InputSchema):
    pass

def apply(inputs):
    return {"u": inputs.u.model_dump()}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"u.w": cotangent_vector["u.w"]}
"""
    )
    w = np.arange(1.0, length + 1).tolist()
    payload = ask(VJP, {"u": {"kind": kind, "w": w}}, of=["u.w"], by=["u.w"], vector={"u.w": w})
    document = answer(made, VJP, payload)["u.w"]
    assert (numbers(document), document["dtype"]) == (w, dtype)
