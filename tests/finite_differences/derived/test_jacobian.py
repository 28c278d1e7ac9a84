"""Jacobians from products: values, kinds of arrays, numbers of calls, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runtime_core import Array, Differentiable, Float64, ShapeDType
from runtime_core.errors import GradientFailed
from runtime_core.paths import InvalidPath
from tesseract_runtime_finite_differences import jacobian_from_jvp, jacobian_from_vjp
from tests.finite_differences.derived.conftest import Linear, assert_same, example

Derive = Callable[..., Any]


def from_jvp(linear: Linear, inputs: Any, by: Any = ("x", "s"), of: Any = ("y", "t")) -> Any:
    """Compute the Jacobian from a linear map's JVP."""
    return jacobian_from_jvp(linear.jvp, inputs, set(by), set(of))


def from_vjp(linear: Linear, inputs: Any, by: Any = ("x", "s"), of: Any = ("y", "t")) -> Any:
    """Compute the Jacobian from a linear map's VJP."""
    return jacobian_from_vjp(linear.vjp, linear.apply, inputs, set(by), set(of))


either = pytest.mark.parametrize("derive", [from_jvp, from_vjp])


@either
def test_every_block_is_found(derive: Derive) -> None:
    """Arrays and scalars on both sides give blocks of the right shape and kind."""
    linear, inputs = example()
    assert_same(derive(linear, inputs), linear.blocks)


@either
def test_only_what_is_asked_for_is_computed(derive: Derive) -> None:
    """Other inputs and outputs take no call and are not named to the function."""
    linear, inputs = example()
    assert_same(derive(linear, inputs, by=["s"], of=["t"]), {"t": {"s": np.float64(5.0)}})
    assert len(linear.calls) == {from_jvp: 1, from_vjp: 2}[derive]
    asked = {key: value for key, value in linear.calls[-1].items() if isinstance(value, set)}
    assert list(asked.values()) == [{"s"}, {"t"}]


def test_a_jvp_is_called_once_for_each_input_element() -> None:
    """Four elements take four calls; the shapes of the outputs take none."""
    linear, inputs = example()
    from_jvp(linear, inputs)
    assert [call["tangent_vector"]["x"].tolist() for call in linear.calls[1:]] == np.eye(3).tolist()
    assert [float(call["tangent_vector"]["s"]) for call in linear.calls] == [1, 0, 0, 0]


def test_a_vjp_is_called_once_for_each_output_element() -> None:
    """Three elements take three calls, after one that evaluates the outputs."""
    linear, inputs = example()
    from_vjp(linear, inputs)
    assert list(linear.calls[0]) == ["inputs"]
    cotangents = [call["cotangent_vector"] for call in linear.calls[1:]]
    assert [(float(v["t"]), v["y"].tolist()) for v in cotangents] == [
        (1, [0, 0]),
        (0, [1, 0]),
        (0, [0, 1]),
    ]


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "complex128"])
def test_vectors_have_the_data_type_of_their_array(dtype: str) -> None:
    """One-hot vectors follow the arrays, whether these have a rank or not."""
    blocks = {"y": {"x": np.eye(2, dtype=dtype), "s": np.ones(2, dtype)}}
    linear, inputs = Linear(blocks), {"x": np.ones(2, dtype), "s": np.ones((), dtype)[()]}
    assert_same(from_jvp(linear, inputs, of="y"), blocks)
    assert_same(from_vjp(linear, inputs, of="y"), blocks)
    vectors = [*linear.calls[0]["tangent_vector"].values()]
    vectors += [*linear.calls[-1]["cotangent_vector"].values()]
    assert [vector.dtype.name for vector in vectors] == [dtype] * 3
    assert type(linear.calls[0]["tangent_vector"]["s"]) is np.dtype(dtype).type


def test_blocks_have_the_data_type_that_is_returned() -> None:
    """Data types of the function are kept, or promoted if results differ."""

    def jvp(tangent_vector: Any, **named: Any) -> Any:
        ones = tangent_vector["x"]
        return {"y": ones.astype("float32"), "z": ones.astype(int) if ones[0] else 0.5 * ones}

    blocks = jacobian_from_jvp(jvp, {"x": np.ones(2)}, {"x"}, {"y", "z"})
    assert_same(blocks, {"y": {"x": np.eye(2, dtype="float32")}, "z": {"x": np.diag([1.0, 0.5])}})


@pytest.mark.parametrize(
    ("returned", "output", "expected"),
    [
        ("float64", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("complex128", "float32", "complex128"),
        ("float64", "int32", "float64"),
    ],
)
def test_blocks_of_a_vjp_have_the_data_type_of_their_output(
    returned: str, output: str, expected: str
) -> None:
    """The data type of an output holds the rows, unless it is of a lesser kind."""
    blocks = jacobian_from_vjp(
        lambda **named: {"x": np.ones(2, returned)},
        lambda inputs: {"y": np.ones(2, output)},
        {"x": np.ones(2)},
        {"x"},
        {"y"},
    )
    assert_same(blocks, {"y": {"x": np.ones((2, 2), expected)}})


class Abstract(BaseModel):
    """Outputs without values, as `abstract_eval` returns them."""

    y: Any
    t: Any


ABSTRACT = {
    "y": ShapeDType(shape=(2,), dtype="float32"),
    "t": ShapeDType(shape=(), dtype="float64"),
}


@pytest.mark.parametrize(
    "outputs",
    [
        ABSTRACT,
        {path: spec.model_dump() for path, spec in ABSTRACT.items()},
        {"y": {"shape": [2], "dtype": "float32"}, "t": np.float64(0.0)},
        Abstract(**ABSTRACT),
    ],
)
def test_outputs_may_be_abstract(outputs: Any) -> None:
    """Shapes and data types of the outputs are enough, in every form of `abstract_eval`."""
    linear, inputs = example()
    blocks = jacobian_from_vjp(linear.vjp, lambda _: outputs, inputs, {"x"}, {"y", "t"})
    expected = {"y": linear.blocks["y"]["x"].astype("float32"), "t": linear.blocks["t"]["x"]}
    assert_same(blocks, {path: {"x": block} for path, block in expected.items()})
    vectors = linear.calls[0]["cotangent_vector"]
    assert {path: vector.dtype for path, vector in vectors.items()} == {"y": "f4", "t": "f8"}


@either
def test_a_function_may_change_what_it_is_given(derive: Derive) -> None:
    """Changes of inputs, vectors and sets do not reach the next call."""
    linear, inputs = example()
    given_inputs, expected = deepcopy(inputs), deepcopy(linear.blocks)
    points = []

    def spoiled(function: Callable[..., Any]) -> Callable[..., Any]:
        def spoil(*arguments: Any, **named: Any) -> Any:
            answer = function(*arguments, **named)
            [given] = arguments or [named["inputs"]]
            points.append(given["x"].tolist())
            given["x"][:] = np.nan
            for value in named.values():
                if isinstance(value, set) or value is not given:
                    value.clear()
            return answer

        return spoil

    spoiler = Linear(linear.blocks)
    for name in ("jvp", "vjp", "apply"):
        setattr(spoiler, name, spoiled(getattr(linear, name)))
    assert_same(derive(spoiler, inputs), expected)
    assert points == [[1.0, 2.0, 3.0]] * 4
    assert_same(inputs, given_inputs)


def test_tangents_changed_in_place_stay_right() -> None:
    """The arrays of a tangent are new for each call."""

    def jvp(tangent_vector: Any, **named: Any) -> Any:
        tangent_vector["x"] *= 3
        return {"y": tangent_vector["x"]}

    blocks = jacobian_from_jvp(jvp, {"x": np.ones(2)}, {"x"}, {"y"})
    assert_same(blocks, {"y": {"x": 3 * np.eye(2)}})


def test_a_function_may_return_the_same_buffer_each_time() -> None:
    """Each result is copied before the next call."""
    buffer = np.empty(2)

    def double(jvp_outputs: Any, tangent_vector: Any, **named: Any) -> Any:
        buffer[:] = 2 * tangent_vector["x"]
        return {"y": buffer}

    def twice(vjp_inputs: Any, cotangent_vector: Any, **named: Any) -> Any:
        buffer[:] = 2 * cotangent_vector["y"]
        return {"x": buffer}

    inputs, expected = {"x": np.ones(2)}, {"y": {"x": 2 * np.eye(2)}}
    assert_same(jacobian_from_jvp(double, inputs, {"x"}, {"y"}), expected)
    assert_same(jacobian_from_vjp(twice, doubled, inputs, {"x"}, {"y"}), expected)


def doubled(inputs: Any) -> Any:
    """Return outputs that are twice the inputs."""
    return {"y": 2 * inputs["x"]}


def test_inputs_without_elements_take_one_call() -> None:
    """Without input elements a zero tangent gives shapes and data types of the outputs."""
    linear = Linear({"y": {"x": np.zeros((2, 0, 3), "float32")}})
    blocks = from_jvp(linear, {"x": np.zeros((0, 3), "float32")}, by="x", of="y")
    assert_same(blocks, linear.blocks)
    assert [call["tangent_vector"]["x"].shape for call in linear.calls] == [(0, 3)]


def test_outputs_without_elements_take_no_vjp() -> None:
    """Without output elements only the outputs are evaluated."""
    linear = Linear({"y": {"x": np.zeros((0, 3))}})
    assert_same(from_vjp(linear, {"x": np.ones(3)}, by="x", of="y"), linear.blocks)
    assert len(linear.calls) == 1


@either
def test_one_of_several_may_be_empty(derive: Derive) -> None:
    """Empty blocks are possible among others."""
    linear = Linear(
        {
            "y": {"x": np.ones((2, 3)), "e": np.zeros((2, 0))},
            "f": {"x": np.zeros((0, 3)), "e": np.zeros((0, 0))},
        }
    )
    inputs = {"x": np.ones(3), "e": np.zeros(0)}
    assert_same(derive(linear, inputs, by="xe", of="yf"), linear.blocks)


class Layer(BaseModel):
    """Weights of one layer."""

    w: Differentiable[Array[(None,), Float64]]


class Inputs(BaseModel):
    """Layers and named numbers."""

    layers: list[Layer]
    named: dict[str, Differentiable[Float64]]


@either
def test_paths_lead_into_nested_models(derive: Derive) -> None:
    """Items of lists and values of dicts are differentiated by their path."""
    inputs = Inputs.model_validate({"layers": [{"w": [1]}, {"w": [2, 3]}], "named": {"a.b": 4.0}})
    blocks = {"y": {"layers.[1].w": np.array([5.0, 6.0]), "named.{a.b}": np.float64(7.0)}}
    linear = Linear(blocks)
    assert_same(derive(linear, inputs, by=blocks["y"], of="y"), blocks)


@st.composite
def linear_maps(draw: st.DrawFn) -> tuple[Linear, dict[str, Any]]:
    """Draw a linear map between any shapes, with integers for exact sums."""
    shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    of = {f"y{n}": draw(shapes) for n in range(draw(st.integers(1, 2)))}
    by = {f"x{n}": draw(shapes) for n in range(draw(st.integers(1, 2)))}
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def block(*shape: int) -> Any:
        return np.asarray(random.integers(-9, 9, shape), float)[()]

    blocks = {y: {x: block(*left, *right) for x, right in by.items()} for y, left in of.items()}
    return Linear(blocks), {x: block(*shape) for x, shape in by.items()}


@given(linear_maps())
def test_any_linear_map_is_its_own_jacobian(drawn: tuple[Linear, dict[str, Any]]) -> None:
    """Whatever the ranks and sizes, both ways find every block exactly."""
    linear, inputs = drawn
    assert_same(from_jvp(linear, inputs, by=inputs, of=linear.blocks), linear.blocks)
    assert_same(from_vjp(linear, inputs, by=inputs, of=linear.blocks), linear.blocks)


def returning(*answers: Any) -> Callable[..., Any]:
    """Return a gradient function with given results in turn."""
    turns = cycle(answers)

    def gradient(**named: Any) -> Any:
        return next(turns)

    return gradient


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "gradient returned None, expected a dict with the keys y."),
        ([1.0], "gradient returned list of 1 items, expected a dict with the keys y."),
        ({}, "gradient returned a dict with the keys none, expected y."),
        ({"y": [1.0], "z": [1.0]}, "gradient returned a dict with the keys y, z, expected y."),
        ({"y": "a"}, "gradient of 'y' returned a, expected an array of numbers."),
        ({"y": [[1.0], []]}, "gradient of 'y' returned list of 2 items, expected an array of "),
    ],
)
def test_a_wrong_answer_of_a_jvp_is_told(answer: Any, message: str) -> None:
    """The message names the function, the path, the expected and the returned value."""
    with pytest.raises(GradientFailed) as caught:
        jacobian_from_jvp(returning(answer), {"x": np.ones(2)}, {"x"}, {"y"})
    assert str(caught.value).startswith(message)


def test_the_answers_of_a_jvp_have_one_shape() -> None:
    """A shape that changes between calls is refused at once."""
    jvp = returning({"y": np.ones(2)}, {"y": np.ones(3)}, {"y": np.ones(4)})
    with pytest.raises(GradientFailed) as caught:
        jacobian_from_jvp(jvp, {"x": np.ones(3)}, {"x"}, {"y"})
    assert str(caught.value) == "gradient of 'y' returned an array of shape (3,), expected (2,)."


def test_the_answers_of_a_vjp_have_the_shapes_of_the_inputs() -> None:
    """A gradient of another shape than its input is refused."""
    vjp = returning({"x": np.ones(3)})
    with pytest.raises(GradientFailed) as caught:
        jacobian_from_vjp(vjp, doubled, {"x": np.ones(2)}, {"x"}, {"y"})
    assert str(caught.value) == "gradient of 'x' returned an array of shape (3,), expected (2,)."


def test_an_unknown_path_is_told() -> None:
    """A missing input is refused before any call."""
    with pytest.raises(InvalidPath, match=r"There is nothing at 'z'\."):
        jacobian_from_jvp(returning({}), {"x": np.ones(2)}, {"z"}, {"y"})


def test_what_is_no_array_cannot_be_differentiated() -> None:
    """The message has the value that is not an array."""
    with pytest.raises(GradientFailed, match="Expected an array of numbers at 'x', got 'fast'"):
        jacobian_from_jvp(returning({}), {"x": "fast"}, {"x"}, {"y"})


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_functions_that_take_a_batch_are_called_twice(by: str) -> None:
    """The first vector alone shows the shapes; all others are one batch."""
    linear, inputs = example()
    sizes: list[int | None] = []

    def many(product: Any, vector: str, batch: int | None, **named: Any) -> Any:
        sizes.append(batch)
        if batch is None:
            return product(**named)
        rows = [{p: a[i] for p, a in named[vector].items()} for i in range(batch)]
        found = [product(**{**named, vector: row}) for row in rows]
        return {path: np.stack([each[path] for each in found]) for path in found[0]}

    def jvp(batch: int | None = None, **named: Any) -> Any:
        return many(linear.jvp, "tangent_vector", batch, **named)

    def vjp(batch: int | None = None, **named: Any) -> Any:
        return many(linear.vjp, "cotangent_vector", batch, **named)

    paths = set(inputs), {"y", "t"}
    if by == "columns":
        found = jacobian_from_jvp(jvp, inputs, *paths)
    else:
        found = jacobian_from_vjp(vjp, linear.apply, inputs, *paths)
    assert sizes == [None, 3 if by == "columns" else 2]
    for y, row in linear.blocks.items():
        for x, block in row.items():
            np.testing.assert_array_equal(found[y][x], block)
