"""Inputs and outputs of any structure, shape and data type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from runtime_core import Array, Differentiable, Float32, Float64
from tesseract_runtime_finite_differences import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)
from tests.finite_differences.conftest import ALGORITHMS, identity, jacobian, jvp, vjp


class Layer(BaseModel):
    """One layer of a model."""

    weights: Differentiable[Array[(2, 3), Float64]]
    bias: Differentiable[Float32]


class Model(BaseModel):
    """Layers in a list and by name, and a field that is not an array."""

    layers: list[Layer]
    named: dict[str, Layer]
    power: int = 2


def model() -> Model:
    """Return a model whose weights are 1, 2, 3, ..."""
    weights = np.arange(1.0, 7.0).reshape(2, 3)
    first, second, third = (Layer(weights=weights + n, bias=np.float32(n + 0.5)) for n in range(3))
    return Model(layers=[first, second], named={"a.b": third})


PATHS = ("layers.[1].weights", "layers.[0].bias", "named.{a.b}.weights")


def loss(inputs: Model) -> dict[str, Any]:
    """Return the weighted powers of all inputs, in a list in a dict."""
    power = inputs.power
    return {
        "sums": [
            (inputs.layers[1].weights ** power).sum(axis=0),
            inputs.layers[0].bias ** power,
        ],
        "all": {"total": (inputs.named["a.b"].weights ** power).sum()},
    }


def test_paths_lead_through_models_lists_and_dicts() -> None:
    """Blocks are found by the paths of an input and of an output, of any depth."""
    at = model()
    found = finite_difference_jacobian(
        loss, at, set(PATHS), {"sums.[0]", "sums.[1]", "all.total"}, eps=1e-3
    )
    assert found.keys() == {"sums.[0]", "sums.[1]", "all.total"}
    assert all(row.keys() == set(PATHS) for row in found.values())
    columns = found["sums.[0]"]["layers.[1].weights"]
    expected = np.einsum("jk,ik->jik", np.eye(3), 2 * at.layers[1].weights)
    np.testing.assert_allclose(columns, expected, atol=1e-6)
    np.testing.assert_allclose(found["sums.[1]"]["layers.[0].bias"], 1, rtol=1e-3)
    total = found["all.total"]["named.{a.b}.weights"]
    np.testing.assert_allclose(total, 2 * at.named["a.b"].weights)
    assert not found["all.total"]["layers.[0].bias"].any()


def test_products_of_a_tree_are_those_with_its_jacobian() -> None:
    """Tangents and cotangents are given and returned by path."""
    at = model()
    outputs = ["sums.[0]", "all.total"]
    blocks = finite_difference_jacobian(loss, at, PATHS, outputs, eps=1e-3)
    tangent: dict[str, Any] = {
        "layers.[1].weights": np.linspace(-1, 1, 6).reshape(2, 3),
        "layers.[0].bias": np.float32(3.0),
        "named.{a.b}.weights": np.ones((2, 3)),
    }
    along = finite_difference_jvp(loss, at, PATHS, outputs, tangent, eps=1e-3)
    for output in outputs:
        expected = sum(
            np.tensordot(blocks[output][path], v, np.ndim(v)) for path, v in tangent.items()
        )
        np.testing.assert_allclose(along[output], expected, atol=1e-4)
    cotangent: dict[str, Any] = {
        "sums.[0]": np.array([1.0, -2.0, 0.5]),
        "all.total": np.float64(2.0),
    }
    back = finite_difference_vjp(loss, at, PATHS, outputs, cotangent, eps=1e-3)
    for path in PATHS:
        expected = sum(
            np.tensordot(v, blocks[output][path], np.ndim(v)) for output, v in cotangent.items()
        )
        np.testing.assert_allclose(back[path], expected, atol=1e-6)


def test_apply_gets_an_instance_of_its_own_model() -> None:
    """The inputs of an evaluation are of the caller's class, with its methods."""
    seen = []

    def apply(inputs: Model) -> Any:
        seen.append(type(inputs))
        return loss(inputs)

    finite_difference_jacobian(apply, model(), ["layers.[0].bias"], ["all.total"])
    assert set(seen) == {Model}


def test_outputs_may_be_a_model() -> None:
    """The path of an output leads into a model as into a dict."""

    class Outputs(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        y: np.ndarray[Any, Any]

    found = jacobian(lambda inputs: Outputs(y=2 * inputs["x"]), np.ones(2))
    np.testing.assert_allclose(found, 2 * np.eye(2))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("x", [np.float64(3.0), np.array(3.0), 3.0])
def test_numbers_are_arrays_of_rank_0(x: Any, algorithm: Any) -> None:
    """A number of any type has a derivative of rank 0."""

    def square(inputs: Any) -> Any:
        return {"y": inputs["x"] ** 2}

    # With one element all samples are the same difference.
    for found in (
        jacobian(square, x, algorithm=algorithm),
        jvp(square, x, np.float64(1.0), algorithm=algorithm),
        vjp(square, x, np.float64(1.0), algorithm=algorithm),
    ):
        assert (found.shape, found.dtype.name) == ((), "float64")
        np.testing.assert_allclose(found, 6, rtol=1e-3)


def test_apply_gets_scalars_of_numpy() -> None:
    """An array of rank 0 is a numpy scalar in inputs, as everywhere."""
    seen = []

    def apply(inputs: Any) -> Any:
        seen.append(type(inputs["x"]))
        return {"y": inputs["x"]}

    jacobian(apply, np.float32(1.0))
    assert seen == [np.float32, np.float32]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_inputs_keep_their_data_types(algorithm: Any) -> None:
    """Each input moves in its own data type, and its products are returned in it."""
    inputs = {"a": np.ones(2, np.float32), "b": np.ones(3, np.float64), "c": np.ones(1, np.float16)}
    seen = set()

    def apply(inputs: Any) -> Any:
        seen.add(tuple(inputs[path].dtype.name for path in "abc"))
        return {"y": inputs["a"].sum() + inputs["b"].sum() + inputs["c"].sum()}

    found = finite_difference_vjp(
        apply,
        inputs,
        inputs,
        ["y"],
        {"y": np.float64(1.0)},
        algorithm=algorithm,
        seed=0,
        eps="auto",
    )
    assert {path: array.dtype.name for path, array in found.items()} == {
        "a": "float32",
        "b": "float64",
        "c": "float16",
    }
    assert seen == {("float32", "float64", "float16")}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("dtype", "block", "product"),
    [
        (np.float16, np.float64, np.float16),
        (np.float32, np.float64, np.float32),
        (np.float64, np.float64, np.float64),
        (np.complex64, np.complex128, np.complex64),
        (np.complex128, np.complex128, np.complex128),
        (np.int32, np.float64, np.float64),
        (np.uint8, np.float64, np.float64),
        (np.bool_, np.float64, np.float64),
    ],
)
def test_derivatives_have_double_precision_and_products_the_data_type_of_the_output(
    dtype: type[Any], block: type[Any], product: type[Any], algorithm: Any
) -> None:
    """Blocks are as precise as the differences; products of integers are float64."""

    def apply(inputs: Any) -> Any:
        return {"y": np.asarray(inputs["x"] > 0).astype(dtype)}

    x = np.array([1.0, -2.0])
    found = jacobian(apply, x, algorithm=algorithm)
    assert found.shape == (2, 2)
    assert found.dtype == block
    assert not found.any()
    assert jvp(apply, x, x, algorithm=algorithm).dtype == product


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("samples", [None, 2])
def test_scalars_have_numpy_scalars(algorithm: Any, samples: int | None) -> None:
    """A derivative of rank 0 is a numpy scalar, as in inputs and outputs."""
    inputs = {path: np.float32(2.0) for path in "abc"}

    def apply(inputs: Any) -> Any:
        return {"y": inputs["a"] * inputs["b"] * inputs["c"]}

    options: dict[str, Any] = {"algorithm": algorithm}
    along = finite_difference_jvp(apply, inputs, inputs, {"y"}, inputs, **options)
    options |= {"num_samples": samples}
    rows = finite_difference_jacobian(apply, inputs, inputs, {"y"}, **options)["y"]
    back = finite_difference_vjp(apply, inputs, inputs, {"y"}, {"y": 1.0}, **options)
    assert {type(block).__name__ for block in rows.values()} == {"float64"}
    products = (*along.values(), *back.values())
    assert {type(array).__name__ for array in products} == {"float32"}


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_integers_that_jump_have_a_finite_difference(dtype: type[Any]) -> None:
    """Unsigned integers and booleans are subtracted as numbers."""

    def apply(inputs: Any) -> Any:
        return {"y": (inputs["x"] < 0).astype(dtype)}

    assert jacobian(apply, np.zeros(1), eps=0.5).tolist() == [[-1.0]]


@pytest.mark.parametrize("algorithm", ["central", "forward"])
def test_outputs_may_be_complex(algorithm: Any) -> None:
    """Both parts are differentiated; a cotangent gives the real part of its product."""

    def apply(inputs: Any) -> Any:
        return {"y": (1 + 2j) * inputs["x"]}

    x = np.array([1.0, 2.0])
    found = jacobian(apply, x, algorithm=algorithm)
    np.testing.assert_allclose(found, (1 + 2j) * np.eye(2))
    np.testing.assert_allclose(jvp(apply, x, x, algorithm=algorithm), (1 + 2j) * x)
    cotangent = np.array([3 - 1j, 1j])
    product = vjp(apply, x, cotangent, algorithm=algorithm)
    assert product.dtype == np.float64
    np.testing.assert_allclose(product, np.real(cotangent @ found))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_inputs_without_elements(algorithm: Any) -> None:
    """An empty input has empty blocks of the right shape."""
    inputs = {"x": np.zeros((0, 3)), "z": np.ones(2)}

    def apply(inputs: Any) -> Any:
        return {"y": np.float32(inputs["x"].sum()) * np.ones((4, 1), np.float32)}

    found = finite_difference_jacobian(apply, inputs, {"x"}, {"y"}, algorithm=algorithm)
    assert found["y"]["x"].shape == (4, 1, 0, 3)
    assert found["y"]["x"].dtype == np.float64
    both = finite_difference_jacobian(apply, inputs, {"x", "z"}, {"y"}, algorithm=algorithm)
    assert both["y"]["x"].shape == (4, 1, 0, 3)
    assert both["y"]["z"].shape == (4, 1, 2)
    tangent = {"x": np.zeros((0, 3))}
    along = finite_difference_jvp(apply, inputs, {"x"}, {"y"}, tangent, algorithm=algorithm)
    np.testing.assert_array_equal(along["y"], np.zeros((4, 1)))
    cotangent = {"y": np.ones((4, 1))}
    back = finite_difference_vjp(apply, inputs, {"x"}, {"y"}, cotangent, algorithm=algorithm)
    assert back["x"].shape == (0, 3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_outputs_without_elements(algorithm: Any) -> None:
    """An empty output has empty blocks, and a product of nothing is zero."""

    def apply(inputs: Any) -> Any:
        return {"y": np.zeros((2, 0))}

    x = np.ones(3)
    assert jacobian(apply, x, algorithm=algorithm).shape == (2, 0, 3)
    assert jvp(apply, x, x, algorithm=algorithm).shape == (2, 0)
    assert vjp(apply, x, np.zeros((2, 0)), algorithm=algorithm).tolist() == [0, 0, 0]


@pytest.mark.parametrize("algorithm", ["central", "forward"])
def test_blocks_have_the_shape_of_output_and_input(algorithm: Any) -> None:
    """A block has the axes of its output and then those of its input."""
    x = np.arange(6.0).reshape(2, 3)

    def apply(inputs: Any) -> Any:
        return {"y": inputs["x"].T[..., None] * np.ones(4)}

    found = jacobian(apply, x, algorithm=algorithm)
    assert found.shape == (3, 2, 4, 2, 3)
    expected = np.einsum("ik,jl->jikl", np.eye(2), np.eye(3))[:, :, None] * np.ones((4, 1, 1))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_arrays_in_any_order_of_memory() -> None:
    """Views, transposed and reversed arrays are differentiated element by element."""
    x = np.asfortranarray(np.arange(12.0).reshape(3, 4))[::-1, ::2]
    found = jacobian(identity, x)
    np.testing.assert_allclose(found.reshape(6, 6), np.eye(6), atol=1e-9)


def test_paths_may_be_any_collection() -> None:
    """Sets, lists and tuples are equivalent, and duplicates count once."""
    x = {"x": np.ones(2)}
    found = [
        finite_difference_jacobian(identity, x, inputs, outputs)["y"]["x"].tolist()
        for inputs, outputs in [({"x"}, {"y"}), (["x", "x"], ("y", "y")), ({"x": 1}, ["y"])]
    ]
    assert found[0] == found[1] == found[2]
