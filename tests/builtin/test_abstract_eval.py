"""Abstract evaluation: shapes and data types in, shapes and data types out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core import ShapeDType
from runtime_core.errors import FaultKind, InvalidPayload
from tests.builtin.conftest import HEADER, Make, answer, fault, seen

SAME = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    m: Array[(2, 3), Float32] | None = None
    k: int = 3

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]
    m: Array[(2, 3), Float32] | None = None
    k: int = 7

def apply(inputs):
    APPLIED.append(inputs)

def abstract_eval(whatever, /):
    SEEN.append(whatever)
    return {"y": whatever.x, "m": whatever.m}
"""
)
"""A Tesseract whose outputs have the shapes of its inputs."""

ABSTRACT = "abstract_eval"
VECTOR = {"shape": [4], "dtype": "float64"}


def test_shapes_go_in_and_come_out(runtime: Make) -> None:
    """An array is its shape and data type on both sides; other fields are values."""
    made = runtime(SAME)
    assert answer(made, ABSTRACT, {"inputs": {"x": VECTOR, "k": 5}}) == {
        "y": {"shape": [4], "dtype": "float64"},
        "m": None,
        "k": 7,
    }


def test_the_author_is_called_with_one_positional_argument(runtime: Make) -> None:
    """The argument may have any name, and is an instance of the author's model."""
    made = runtime(SAME)
    answer(made, ABSTRACT, {"inputs": {"x": VECTOR, "k": 5}})
    (inputs,) = seen(made)
    assert (inputs.x, inputs.k) == (ShapeDType(shape=(4,), dtype="float64"), 5)
    assert isinstance(inputs, made.api.input_schema)
    assert made.api.module.APPLIED == []


def test_further_keys_of_an_array_are_ignored(runtime: Make) -> None:
    """The document of a whole array stands for its shape, however wrong its data are."""
    array = VECTOR | {"object_type": "array", "data": {"buffer": "?", "encoding": "none"}}
    made = runtime(SAME)
    assert answer(made, ABSTRACT, {"inputs": {"x": array}})["y"] == VECTOR


def test_further_keys_of_the_payload_are_refused(runtime: Make) -> None:
    """Beside the arrays nothing unknown is ignored."""
    wrong = fault(runtime(SAME), ABSTRACT, {"inputs": {"x": VECTOR, "z": 1}, "more": 1})
    assert [(detail["type"], detail["loc"]) for detail in wrong.details] == [
        ("extra_forbidden", ["inputs", "z"]),
        ("extra_forbidden", ["more"]),
    ]


@pytest.mark.parametrize(
    ("array", "type_", "place"),
    [
        ({"shape": [2, 2], "dtype": "float64"}, "array_dimensionality_mismatch", []),
        ({"shape": [], "dtype": "float64"}, "array_dimensionality_mismatch", []),
        ({"shape": [2], "dtype": "complex64"}, "array_dtype_mismatch", []),
        ({"shape": [2], "dtype": "text"}, "literal_error", ["dtype"]),
        ({"shape": [2]}, "missing", ["dtype"]),
        ({"dtype": "float64"}, "missing", ["shape"]),
        ({"shape": [2.5], "dtype": "float64"}, "int_from_float", ["shape", 0]),
        ({"shape": 2, "dtype": "float64"}, "tuple_type", ["shape"]),
        ("abc", "array_non_numeric", []),
    ],
)
def test_what_does_not_fit_is_refused(
    array: Any, type_: str, place: list[Any], runtime: Make
) -> None:
    """A shape or data type that the array could not have has the error of such an array."""
    wrong = fault(runtime(SAME), ABSTRACT, {"inputs": {"x": array}})
    assert wrong.kind is FaultKind.INVALID_PAYLOAD
    assert [(d["type"], d["loc"]) for d in wrong.details] == [(type_, ["inputs", "x", *place])]


def test_bytes_have_no_shape(runtime: Make) -> None:
    """A binary part of a document is not an array here, either."""
    with pytest.raises(InvalidPayload, match="contains non-numeric data"):
        runtime(SAME).call(ABSTRACT, {"inputs": {"x": memoryview(b"ab").cast("c")}})


def test_the_message_is_that_of_arrays(runtime: Make) -> None:
    """Invalid shapes and data types have the messages of invalid arrays."""
    inputs = {
        "x": {"shape": [2, 2], "dtype": "float64"},
        "m": {"shape": [2, 2], "dtype": "float32"},
    }
    with pytest.raises(InvalidPayload) as caught:
        runtime(SAME).call(ABSTRACT, {"inputs": inputs})
    assert str(caught.value) == (
        "inputs.x: Array has wrong number of dimensions: got 2D, expected 1D\n"
        "inputs.m: Array shape (2, 2) is incompatible with expected shape (2, 3)"
    )


def test_the_author_sees_what_the_array_would_become(runtime: Make) -> None:
    """Sizes of 1 are broadcast, and the data type is that of the field."""
    made = runtime(SAME)
    inputs = {"x": {"shape": [0], "dtype": "int8"}, "m": {"shape": [1, 3], "dtype": "float64"}}
    answer(made, ABSTRACT, {"inputs": inputs})
    assert seen(made)[0].x == ShapeDType(shape=(0,), dtype="float64")
    assert seen(made)[0].m == ShapeDType(shape=(2, 3), dtype="float32")


@pytest.mark.parametrize("given", [{}, {"m": None}])
def test_an_optional_array_may_be_absent(given: dict[str, Any], runtime: Make) -> None:
    """A missing array has no shape."""
    made = runtime(SAME)
    assert answer(made, ABSTRACT, {"inputs": {"x": VECTOR} | given})["m"] is None
    assert seen(made)[0].m is None


@pytest.mark.parametrize(
    ("field", "shape", "dtype"),
    [
        ("Array[(None,), Float32] = [1, 2, 3]", (3,), "float32"),
        ("Float64 = 2.5", (), "float64"),
        ("Int32 = 2", (), "int32"),
        ("Array[(2, 2), Float64] = np.eye(2)", (2, 2), "float64"),
        ("Array[(3,), Float64] = [0]", (3,), "float64"),
        ("Array[..., Float64] = Field(default_factory=lambda: np.ones((1, 2)))", (1, 2), "float64"),
        ("Array[(None,), Float64] | None = [1, 2]", (2,), "float64"),
    ],
)
def test_defaults_of_arrays_become_shapes(
    field: str, shape: tuple[int, ...], dtype: Any, runtime: Make
) -> None:
    """A default stands for the shape and data type that it would have."""
    source = SAME.replace("m: Array[(2, 3), Float32] | None = None", f"m: {field}", 1)
    made = runtime(source.replace(', "m": whatever.m', ""))
    answer(made, ABSTRACT, {"inputs": {"x": VECTOR}})
    assert seen(made)[0].m == ShapeDType(shape=shape, dtype=dtype)


def test_arrays_in_containers_are_shapes(runtime: Make) -> None:
    """Every array anywhere in the inputs is replaced, and every one in the outputs."""
    made = runtime(
        HEADER
        + """
class Layer(BaseModel):
    w: Array[(None, 2), Float64]
    name: str = "layer"

class Tree(BaseModel):
    layers: list[Layer]
    named: dict[str, Array[(None,), Float32]]
    pair: tuple[int, Float64]
    root: RootModel[list[Layer]]

class InputSchema(Tree):
    pass

class OutputSchema(Tree):
    pass

def apply(inputs): ...

def abstract_eval(inputs):
    SEEN.append(inputs)
    return inputs.model_dump()
"""
    )
    layer = {"w": {"shape": [5, 2], "dtype": "float64"}, "name": "a"}
    tree = {
        "layers": [layer],
        "named": {"k": {"shape": [3], "dtype": "float32"}},
        "pair": [1, {"shape": [], "dtype": "float64"}],
        "root": [layer, layer],
    }
    assert answer(made, ABSTRACT, {"inputs": tree}) == tree
    inputs = seen(made)[0]
    assert isinstance(inputs.layers[0], made.api.module.Layer)
    assert inputs.root.root[1].w == ShapeDType(shape=(5, 2), dtype="float64")


def test_validators_run_with_shapes(runtime: Make) -> None:
    """Validators of fields and of models see a `ShapeDType`, and may refuse it."""
    made = runtime(
        SAME.replace(
            "    k: int = 3\n",
            """    k: int = 3

    @field_validator("x")
    @classmethod
    def note(cls, x):
        SEEN.append(type(x).__name__)
        return x

    @model_validator(mode="after")
    def check(self):
        if self.x.shape[0] > self.k:
            raise ValueError("x is longer than k")
        return self
""",
            1,
        )
    )
    answer(made, ABSTRACT, {"inputs": {"x": VECTOR, "k": 4}})
    assert seen(made)[0] == "ShapeDType"
    wrong = fault(made, ABSTRACT, {"inputs": {"x": VECTOR, "k": 3}})
    assert [(detail["loc"], detail["msg"]) for detail in wrong.details] == [
        (["inputs"], "Value error, x is longer than k")
    ]


@pytest.mark.parametrize(
    "returned",
    [
        "{'y': ShapeDType(shape=(2,), dtype='float64')}",
        "{'y': {'shape': (2,), 'dtype': 'float64'}}",
        "{'y': {'shape': [2], 'dtype': 'float64', 'more': 1}, 'm': None}",
        "{'y': ShapeDType(shape=(2,), dtype='int16'), 'k': 7}",
        "{'y': np.zeros(2)}",
        "OutputSchema(y=np.zeros(2))",
        "OutputSchema.model_construct(y=ShapeDType(shape=(2,), dtype='float64'), m=None, k=7)",
    ],
)
def test_an_answer_may_have_any_form(returned: str, runtime: Make) -> None:
    """Dicts and models are taken, with shapes or with arrays in them."""
    made = runtime(SAME + f"def {ABSTRACT}(inputs):\n    return {returned}\n")
    assert answer(made, ABSTRACT, {"inputs": {"x": VECTOR}}) == {
        "y": {"shape": [2], "dtype": "float64"},
        "m": None,
        "k": 7,
    }


@pytest.mark.parametrize(
    ("returned", "faults"),
    [
        ("None", "None, which is not a valid OutputSchema. Return OutputSchema(...), or a dict"),
        (
            "{'y': ShapeDType(shape=(2, 2), dtype='float64')}",
            "object with keys 'y', which is not a valid OutputSchema:\n"
            "y: Array has wrong number of dimensions: got 2D, expected 1D",
        ),
        (
            "{'y': ShapeDType(shape=(2,), dtype='complex64'), 'q': 1}",
            "object with keys 'y', 'q', which is not a valid OutputSchema:\n"
            "y: Array dtype 'complex64' cannot be safely cast to 'float64'\n"
            "q: Extra inputs are not permitted",
        ),
        (
            "OutputSchema.model_construct(y=ShapeDType(shape=(2, 2), dtype='float64'), m=None)",
            "OutputSchema object, which is not a valid OutputSchema:\n"
            "result: y: Array has wrong number of dimensions: got 2D, expected 1D",
        ),
    ],
)
def test_a_wrong_answer_is_the_authors_fault(returned: str, faults: str, runtime: Make) -> None:
    """Shapes and data types that the schema does not allow are told, all at once."""
    made = runtime(SAME + f"def {ABSTRACT}(inputs):\n    return {returned}\n")
    failed = fault(made, ABSTRACT, {"inputs": {"x": VECTOR}})
    assert (failed.kind, failed.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert failed.message.startswith(f"The Tesseract returned {faults}")


def test_inputs_of_the_author_can_be_given(runtime: Make) -> None:
    """An instance of the author's model stands for the shapes of its arrays."""
    made = runtime(SAME)
    inputs = made.api.input_schema(x=np.zeros(4), m=np.zeros((2, 3)))
    result: Any = made.call(ABSTRACT, {"inputs": inputs})
    assert result.root.y == ShapeDType(shape=(4,), dtype="float64")
    assert result.root.m == ShapeDType(shape=(2, 3), dtype="float32")


def test_an_exception_of_the_author_is_a_fault(runtime: Make) -> None:
    """Type and text are the message, the frames are the author's and no other."""
    source = SAME + f"def {ABSTRACT}(inputs):\n    return inputs.x.sum()\n"
    failed = fault(runtime(source), ABSTRACT, {"inputs": {"x": VECTOR}})
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith("AttributeError: 'ShapeDType' object has no attribute 'sum' (")
    assert f"in {ABSTRACT}" in failed.trace
    assert "runtime_core" not in failed.trace


FIXED = (
    HEADER
    + """
class Part(BaseModel):
    weights: Array[(2, 3), Float32]

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    part: Part
    pair: tuple[Float64, Array[(4,), Int32]]

def apply(inputs):
    APPLIED.append(inputs)
"""
)
"""A Tesseract whose outputs have the same shapes at all inputs."""


def test_fixed_shapes_come_from_the_schema(runtime: Make) -> None:
    """A file whose outputs have fixed shapes needs no function for them, and is not applied."""
    made = runtime(FIXED)
    assert answer(made, ABSTRACT, {"inputs": {"x": VECTOR}}) == {
        "part": {"weights": {"shape": [2, 3], "dtype": "float32"}},
        "pair": [{"shape": [], "dtype": "float64"}, {"shape": [4], "dtype": "int32"}],
    }
    assert made.api.module.APPLIED == []


EXAMPLE = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Array[(None,), Float64] = Field(examples=[[1.0, 2.0]])
    parts: list[Array[(None,), Float32]] = [[1.0]]
    k: int = 2

class OutputSchema(BaseModel):
    y: Array[(None, None), Float64]
    k: int

def apply(inputs):
    assert inputs.x[0] == 1.0
    APPLIED.append(inputs)
    return {"y": np.ones((inputs.x.size, inputs.k + len(inputs.parts))), "k": inputs.k}
"""
)
"""A Tesseract whose outputs have shapes that depend on those of its inputs, and on plain values."""


def test_other_shapes_come_from_example_inputs(runtime: Make) -> None:
    """`apply` is evaluated once for each signature, at the example in the requested shapes."""
    made = runtime(EXAMPLE)
    part = {"shape": [3], "dtype": "float32"}
    for _ in range(2):
        found = answer(made, ABSTRACT, {"inputs": {"x": VECTOR, "parts": [part, part]}})
        assert found == {"y": {"shape": [4, 4], "dtype": "float64"}, "k": 2}
        found = answer(made, ABSTRACT, {"inputs": {"x": VECTOR, "k": 5}})
        assert found == {"y": {"shape": [4, 6], "dtype": "float64"}, "k": 5}
    assert [inputs.x.size for inputs in made.api.module.APPLIED] == [4, 4]


def test_arrays_without_an_example_are_named(runtime: Make) -> None:
    """The message says what to add."""
    made = runtime(EXAMPLE.replace("= [[1.0]]", "= []"))
    inputs = {"x": VECTOR, "parts": [{"shape": [3], "dtype": "float32"}]}
    assert (
        "have no array at 'parts.[0]': add one with"
        in fault(made, ABSTRACT, {"inputs": inputs}).message
    )


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ([-2], FaultKind.INVALID_PAYLOAD, "Array shape (-2,) has a negative size"),
        ([10**11], FaultKind.MEMORY_EXCEEDED, "takes 800000000000 bytes"),
        ([10**30], FaultKind.MEMORY_EXCEEDED, "that --memory-limit allows"),
    ],
)
def test_shapes_that_no_memory_can_hold_are_refused(
    shape: list[int], kind: FaultKind, message: str, runtime: Make
) -> None:
    """A few bytes of a caller never ask for more memory than the limit."""
    inputs = {"x": {"shape": shape, "dtype": "float64"}}
    failed = fault(runtime(EXAMPLE), ABSTRACT, {"inputs": inputs})
    assert failed.kind is kind
    assert message in failed.message
