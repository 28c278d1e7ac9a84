"""Products with the whole Jacobian: values, data types, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from runtime_core.errors import GradientFailed
from tesseract_runtime_finite_differences import jvp_from_jacobian, vjp_from_jacobian
from tests.finite_differences.derived.conftest import Linear, assert_same, example
from tests.finite_differences.derived.test_jacobian import linear_maps

X = {"x": np.ones(3)}


def test_a_jvp_adds_up_the_inputs() -> None:
    """Each output is the sum over the inputs of block times tangent."""
    linear, inputs = example()
    tangent = {"x": np.array([1.0, 0.0, 2.0]), "s": np.float64(-1.0)}
    found = jvp_from_jacobian(linear.jacobian, inputs, {"x", "s"}, {"y", "t"}, tangent)
    assert_same(found, {"y": np.array([-3.0, 5.0]), "t": np.float64(0.0)})


def test_a_vjp_adds_up_the_outputs() -> None:
    """Each input has the sum over the outputs of cotangent times block."""
    linear, inputs = example()
    cotangent = {"y": np.array([1.0, -1.0]), "t": np.float64(2.0)}
    found = vjp_from_jacobian(linear.jacobian, inputs, {"x", "s"}, {"y", "t"}, cotangent)
    assert_same(found, {"x": np.array([-1.0, -5.0, 1.0]), "s": np.float64(9.0)})


def test_the_jacobian_is_called_once_with_what_is_asked_for() -> None:
    """The function gets copies of the inputs, and sets of paths."""
    linear, inputs = example()
    jvp_from_jacobian(linear.jacobian, inputs, {"s"}, {"t"}, {"s": 1.0})
    vjp_from_jacobian(linear.jacobian, inputs, {"s"}, {"t"}, {"t": 1.0})
    for call in linear.calls:
        assert (call["jac_inputs"], call["jac_outputs"]) == ({"s"}, {"t"})
        assert call["inputs"] is not inputs
    assert len(linear.calls) == 2


def test_a_jacobian_may_change_its_inputs() -> None:
    """Changes of the inputs do not reach the caller."""
    inputs = {"x": np.ones(3)}

    def jacobian(inputs: Any, **named: Any) -> Any:
        inputs["x"] *= 0
        return {"y": {"x": np.eye(3)}}

    jvp_from_jacobian(jacobian, inputs, {"x"}, {"y"}, X)
    vjp_from_jacobian(jacobian, inputs, {"x"}, {"y"}, {"y": np.ones(3)})
    assert_same(inputs, X)


@given(linear_maps())
def test_any_linear_map_is_multiplied_on_both_sides(drawn: tuple[Linear, dict[str, Any]]) -> None:
    """Whatever the ranks and sizes, products are those of the map itself, exactly."""
    linear, inputs = drawn
    outputs = linear.apply(inputs)
    assert_same(
        jvp_from_jacobian(linear.jacobian, inputs, set(inputs), set(outputs), inputs), outputs
    )
    expected = linear.vjp(vjp_inputs=inputs, cotangent_vector=outputs)
    assert_same(
        vjp_from_jacobian(linear.jacobian, inputs, set(inputs), set(outputs), outputs), expected
    )


@pytest.mark.parametrize(
    ("jacobian", "vector", "product"),
    [
        ("float32", "float64", "float32"),
        ("float64", "float32", "float64"),
        ("int64", "float64", "float64"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_products_have_the_data_type_of_the_jacobian(
    jacobian: str, vector: str, product: str
) -> None:
    """It is that of the blocks, unless that cannot represent the numbers of the vector."""

    def blocks(**named: Any) -> Any:
        return {"y": {"x": np.eye(3).astype(jacobian)}}

    ones = np.ones(3, vector)
    expected = np.ones(3, product)
    assert_same(jvp_from_jacobian(blocks, X, {"x"}, {"y"}, {"x": ones}), {"y": expected})
    assert_same(vjp_from_jacobian(blocks, X, {"x"}, {"y"}, {"y": ones}), {"x": expected})


def test_nothing_is_conjugated() -> None:
    """Complex cotangents are not conjugated."""

    def jacobian(**named: Any) -> Any:
        return {"y": {"x": np.array([1j])}}

    found = vjp_from_jacobian(jacobian, {"x": np.ones(1, complex)}, {"x"}, {"y"}, {"y": 1j})
    assert_same(found, {"x": np.array([-1 + 0j])})


def returning(answer: Any) -> Callable[..., Any]:
    """Return a `jacobian` with one constant result."""

    def jacobian(**named: Any) -> Any:
        return answer

    return jacobian


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "jacobian returned None, expected a dict with the keys y."),
        ({"z": {}}, "jacobian returned a dict with the keys z, expected y."),
        ({"y": np.eye(3)}, "jacobian of 'y' returned array of shape (3, 3) and dtype float64"),
        ({"y": {}}, "jacobian of 'y' returned a dict with the keys none, expected x."),
        ({"y": {"x": "a"}}, "jacobian of 'y' by 'x' returned a, expected an array of numbers."),
        (
            {"y": {"x": np.ones((2, 2))}},
            "jacobian of 'y' by 'x' returned an array of shape (2, 2), expected (2, 3).",
        ),
    ],
)
@pytest.mark.parametrize(
    ("product", "vector"),
    [(jvp_from_jacobian, X), (vjp_from_jacobian, {"y": np.ones(2)})],
)
def test_a_wrong_jacobian_is_told(
    product: Callable[..., Any], vector: Any, answer: Any, message: str
) -> None:
    """The message names the function, the block, the expected and the returned value."""
    with pytest.raises(GradientFailed) as caught:
        product(returning(answer), X, {"x"}, {"y"}, vector)
    assert str(caught.value).startswith(message)


def test_the_blocks_of_an_output_begin_with_one_shape() -> None:
    """The shape of an output is unknown to a JVP, but the same in all blocks."""
    blocks = {"y": {"s": np.ones(2), "x": np.ones((4, 3))}}
    with pytest.raises(GradientFailed) as caught:
        jvp_from_jacobian(returning(blocks), {"s": 1.0, **X}, {"s", "x"}, {"y"}, {"s": 1.0, **X})
    assert str(caught.value) == (
        "jacobian of 'y' by 'x' returned an array of shape (4, 3), expected (2, 3)."
    )


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        ({}, "The tangent is a dict with the keys none, expected x."),
        ({"x": np.ones(2)}, "The tangent of 'x' is an array of shape (2,), expected (3,)."),
        ({"x": "a"}, "The tangent of 'x' is a, expected an array of numbers."),
    ],
)
def test_a_tangent_must_fit_the_inputs(tangent: Any, message: str) -> None:
    """A wrong tangent is refused before the Jacobian is computed."""
    with pytest.raises(GradientFailed) as caught:
        jvp_from_jacobian(returning(None), X, {"x"}, {"y"}, tangent)
    assert str(caught.value) == message


def test_a_cotangent_has_the_keys_that_are_asked_for() -> None:
    """A wrong cotangent is refused before the Jacobian is computed."""
    with pytest.raises(
        GradientFailed, match=r"The cotangent is a dict with the keys z, expected y\."
    ):
        vjp_from_jacobian(returning(None), X, {"x"}, {"y"}, {"z": 1.0})


def test_a_batch_multiplies_one_jacobian() -> None:
    """Every vector of a batch has the product that it has alone, after one call."""
    linear, inputs = example()
    random = np.random.default_rng(1)
    tangents = {path: random.standard_normal((5, *np.shape(v))) for path, v in inputs.items()}
    shapes: Any = {"y": (2,), "t": ()}
    cotangents = {path: random.standard_normal((5, *shape)) for path, shape in shapes.items()}
    jvps = jvp_from_jacobian(linear.jacobian, inputs, set(inputs), set(shapes), tangents, batch=5)
    vjps = vjp_from_jacobian(linear.jacobian, inputs, set(inputs), set(shapes), cotangents, batch=5)
    assert len(linear.calls) == 2
    for position in range(5):
        tangent, cotangent = (
            {p: a[position] for p, a in v.items()} for v in (tangents, cotangents)
        )
        for found, alone in (
            (jvps, linear.jvp(tangent_vector=tangent, jvp_outputs=shapes)),
            (vjps, linear.vjp(cotangent_vector=cotangent, vjp_inputs=inputs)),
        ):
            for path, array in alone.items():
                np.testing.assert_allclose(found[path][position], array)
