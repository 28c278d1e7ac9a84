"""The results of the functions: numpy arrays by path, and unchanged static values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import BaseModel, RootModel

from runtime_core import Array, Differentiable, Float32, Float64, Int32, ShapeDType
from runtime_core.errors import GradientFailed
from tesseract_runtime_jax import (
    jax_abstract_eval,
    jax_apply,
    jax_jacobian,
    jax_jvp,
    jax_vjp,
    set_jax_vjp_cache_size,
)
from tests.jax_recipes.conftest import Counted, Inputs, aligned, compute_in

X = np.array([1.0, 2.0, 3.0])


class Layer(BaseModel):
    """A nested model."""

    weights: Differentiable[Array[(None,), Float64]]
    bias: Differentiable[Float64]


class Model(BaseModel):
    """Inputs with lists, dicts, tuples and static values of all kinds."""

    layers: list[Layer]
    scales: dict[str, Differentiable[Array[(None,), Float64]]]
    pair: tuple[Differentiable[Array[(None,), Float64]], int]
    rounds: int = 2
    mode: str = "sum"
    extra: Differentiable[Array[(None,), Float64]] | None = None
    indices: Array[(None,), Int32]


def inputs_of_model(**changes: Any) -> Model:
    """Return inputs of the nested model."""
    values = {
        "layers": [{"weights": X, "bias": 0.5}, {"weights": 2 * X, "bias": 1.5}],
        "scales": {"a.b": X, "c": 3 * X},
        "pair": (X, 3),
        "indices": [0, 2],
    }
    return Model.model_validate(values | changes)


@eqx.filter_jit
def apply_jit(inputs: dict[str, Any]) -> dict[str, Any]:
    """Compute with control flow that depends on all static values."""
    total = sum(layer["bias"] * layer["weights"] for layer in inputs["layers"])
    for _ in range(inputs["rounds"]):
        total = total * inputs["scales"]["a.b"]
    if inputs["mode"] == "sum":
        total = jnp.sum(total)
    if inputs["extra"] is not None:
        total = total + inputs["extra"]
    return {
        "total": total,
        "nested": [{"picked": inputs["pair"][0][inputs["indices"]] ** inputs["pair"][1]}],
        "mode": inputs["mode"],
        "nothing": None,
        "count": inputs["rounds"],
        "indices": inputs["indices"] + 1,
    }


EVERY_PATH = {"layers.[0].weights", "layers.[1].bias", "scales.{a.b}", "pair.[0]"}


def test_apply_returns_what_the_function_returns() -> None:
    """Arrays are those of JAX, and other outputs are unchanged."""
    outputs = jax_apply(apply_jit, inputs_of_model())
    assert outputs["mode"] == "sum"
    assert outputs["nothing"] is None
    assert outputs["count"] == 2
    assert isinstance(outputs["total"], jax.Array)
    np.testing.assert_array_equal(outputs["nested"][0]["picked"], [1.0, 27.0])
    np.testing.assert_array_equal(outputs["indices"].at[0].set(7), [7, 3])


def test_jacobian_has_a_block_for_each_pair_of_paths() -> None:
    """Blocks have the shape of the output, then that of the input."""
    inputs = inputs_of_model(mode="each")
    blocks = jax_jacobian(apply_jit, inputs, EVERY_PATH, {"total", "nested.[0].picked"})
    assert set(blocks) == {"total", "nested.[0].picked"}
    assert {path: block.shape for path, block in blocks["total"].items()} == {
        "layers.[0].weights": (3, 3),
        "layers.[1].bias": (3,),
        "scales.{a.b}": (3, 3),
        "pair.[0]": (3, 3),
    }
    np.testing.assert_array_equal(blocks["total"]["layers.[0].weights"], np.diag(0.5 * X**2))
    np.testing.assert_array_equal(blocks["nested.[0].picked"]["pair.[0]"][1], [0, 0, 27.0])


def test_jvp_follows_the_tangent() -> None:
    """The result has the tangents of the selected outputs only."""
    tangents = {"layers.[0].weights": X, "pair.[0]": np.ones(3)}
    found = jax_jvp(apply_jit, inputs_of_model(), set(tangents), {"total"}, tangents)
    assert set(found) == {"total"}
    np.testing.assert_allclose(found["total"], np.sum(0.5 * X * X**2))


def test_vjp_returns_the_cotangent_of_each_input() -> None:
    """The cotangents have the shapes of the inputs and are arrays of JAX."""
    found = jax_vjp(apply_jit, inputs_of_model(), EVERY_PATH, {"total"}, {"total": np.float64(2.0)})
    assert set(found) == EVERY_PATH
    np.testing.assert_allclose(found["layers.[0].weights"], 2 * 0.5 * X**2)
    np.testing.assert_allclose(found["layers.[1].bias"], 2 * np.sum(2 * X * X**2))
    np.testing.assert_array_equal(found["pair.[0]"], np.zeros(3))
    assert all(isinstance(array, jax.Array) for array in found.values())


def test_abstract_eval_computes_only_forms() -> None:
    """Arrays become shape and data type; other outputs are unchanged."""
    abstract = inputs_of_model().model_copy(
        update={
            "layers": [
                Layer.model_construct(
                    weights=ShapeDType(shape=(7,), dtype="float64"),  # type: ignore[arg-type]  # as the runtime does
                    bias=ShapeDType(shape=(), dtype="float64"),
                )
            ],
            "scales": {"a.b": ShapeDType(shape=(7,), dtype="float64")},
            "pair": (ShapeDType(shape=(9,), dtype="float64"), 3),
            "mode": "each",
            "indices": ShapeDType(shape=(4,), dtype="int32"),
        }
    )
    assert jax_abstract_eval(apply_jit, abstract) == {
        "total": {"shape": (7,), "dtype": "float64"},
        "nested": [{"picked": {"shape": (4,), "dtype": "float64"}}],
        "mode": "each",
        "nothing": None,
        "count": 2,
        "indices": {"shape": (4,), "dtype": "int32"},
    }


def test_abstract_eval_knows_a_model_from_a_shape() -> None:
    """A model with fields `shape` and `dtype` is not an abstract array."""

    class Grid(BaseModel):
        shape: tuple[int, ...]
        dtype: str

    inputs = Inputs(grid=Grid(shape=(2, 3), dtype="coarse"))
    found = jax_abstract_eval(lambda d: {"y": jnp.zeros(d["grid"]["shape"])}, inputs)
    assert found == {"y": {"shape": (2, 3), "dtype": "float64"}}


def test_abstract_eval_looks_into_root_models() -> None:
    """The dump of a root model is that of its root."""
    spec: Any = ShapeDType(shape=(4,), dtype="float64")
    inputs = WithRoot.model_construct(table=Table.model_construct({"x": spec}))
    found = jax_abstract_eval(lambda d: {"y": 2 * d["table"]["x"]}, inputs)
    assert found == {"y": {"shape": (4,), "dtype": "float64"}}


@dataclass
class Part:
    """A dataclass with an array."""

    x: Any


class Pair(NamedTuple):
    """A named tuple with an array."""

    part: Part
    x: Any


def test_abstract_eval_looks_into_dataclasses_and_named_tuples() -> None:
    """Their dumps are a dict and a tuple."""
    spec: Any = ShapeDType(shape=(4,), dtype="float64")
    inputs = Inputs(pair=Pair(part=Part(x=spec), x=spec))
    found = jax_abstract_eval(lambda d: {"y": d["pair"][0]["x"] + d["pair"][1]}, inputs)
    assert found == {"y": {"shape": (4,), "dtype": "float64"}}


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_integers_steer_control_flow(rounds: int) -> None:
    """A Python number is static: loops over it are unrolled."""
    found = jax_vjp(
        apply_jit,
        inputs_of_model(rounds=rounds),
        {"layers.[0].weights"},
        {"total"},
        {"total": np.float64(1.0)},
    )
    np.testing.assert_allclose(found["layers.[0].weights"], 0.5 * X**rounds)


def test_optional_arrays_may_be_there_or_not() -> None:
    """An input that is `None` in one call and an array in the next is two forms."""
    cotangents = {"total": np.ones(3)}
    for extra in (None, X, None):
        inputs = inputs_of_model(mode="each", extra=extra)
        found = jax_vjp(apply_jit, inputs, {"layers.[0].bias"}, {"total"}, cotangents)
        np.testing.assert_allclose(found["layers.[0].bias"], np.sum(X**3))
    found = jax_vjp(
        apply_jit, inputs_of_model(mode="each", extra=X), {"extra"}, {"total"}, cotangents
    )
    np.testing.assert_array_equal(found["extra"], np.ones(3))


class Table(RootModel[dict[str, Any]]):
    """A model whose paths have a `root` that its dump has not."""

    root: dict[str, Differentiable[Array[(None,), Float64]]]


class WithRoot(BaseModel):
    """A model with a root model in it."""

    table: Table


def test_root_models_are_found_by_their_paths() -> None:
    """`.root` is a step of a path, on both sides, though no dict has it."""
    inputs = WithRoot(table=Table({"x": X}))
    path = "table.root.{x}"
    blocks = jax_jacobian(lambda d: {"table": {"x": d["table"]["x"] ** 2}}, inputs, {path}, {path})
    np.testing.assert_array_equal(blocks[path][path], np.diag(2 * X))


def test_the_root_may_be_everything() -> None:
    """A root model as the whole of the inputs is the dict itself."""
    found = jax_vjp(lambda d: {"y": 3 * d["x"]}, Table({"x": X}), {"root.{x}"}, {"y"}, {"y": X})
    np.testing.assert_array_equal(found["root.{x}"], 3 * X)


class Method(StrEnum):
    """A static value that is more than its text."""

    FAST = "fast"


def test_static_values_are_handed_on_as_they_are() -> None:
    """The function gets the very objects of the inputs, in their order."""
    seen = []

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        seen.append({key: value for key, value in inputs.items() if key != "x"})
        return {"y": inputs["x"]}

    static = {"z": Method.FAST, "a": {1, 2}, "m": {2: "b", 1: "a"}, "b": True, "f": 0.5, "n": None}
    jax_jvp(function, Inputs(x=X, **static), {"x"}, {"y"}, {"x": X})
    assert seen == [static]
    assert list(seen[0]) == list(static)
    assert list(seen[0]["m"]) == [2, 1]
    assert type(seen[0]["z"]) is Method


def test_a_function_may_change_its_inputs() -> None:
    """What a function does to its dict is not seen by the next call."""

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        scale = inputs.pop("scale")
        return {"y": scale * inputs.pop("x")}

    inputs = Inputs(x=X, scale=3.0)
    for vector in (X, X[:3] * 2):
        found = jax_vjp(function, inputs, {"x"}, {"y"}, {"y": vector})
        np.testing.assert_array_equal(found["x"], 3 * vector)
    np.testing.assert_array_equal(jax_apply(function, inputs)["y"], 3 * X)
    assert set(inputs.model_dump()) == {"x", "scale"}


def test_python_numbers_among_the_outputs_have_no_derivative() -> None:
    """A float that a function returns depends on nothing."""
    found = jax_vjp(lambda d: {"y": 1.0}, Inputs(x=X), {"x"}, {"y"}, {"y": np.float64(1.0)})
    np.testing.assert_array_equal(found["x"], np.zeros(3))


def test_data_types_are_those_of_the_inputs() -> None:
    """A gradient has the data type of its input, a tangent that of its output."""
    inputs = Inputs(x=X.astype(np.float32), h=X.astype(np.float16))

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] * inputs["h"]}

    found = jax_vjp(function, inputs, {"x", "h"}, {"y"}, {"y": np.ones(3)})
    assert {path: array.dtype.name for path, array in found.items()} == {
        "x": "float32",
        "h": "float16",
    }
    assert jax_jvp(function, inputs, {"h"}, {"y"}, {"h": [1, 2, 3]})["y"].dtype == np.float32


def test_results_share_no_memory_with_arguments() -> None:
    """An array that goes through a function unchanged is a copy all the same."""
    inputs, vector = Inputs(x=aligned(np.zeros(100_000))), aligned(np.zeros(100_000))

    def identity(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"]}

    results = [
        jax_apply(jax.jit(identity), inputs)["y"],
        jax_vjp(identity, inputs, {"x"}, {"y"}, {"y": vector})["x"],
        jax_jvp(identity, inputs, {"x"}, {"y"}, {"x": vector})["y"],
    ]
    vector += 1
    inputs.x += 1  # type: ignore[attr-defined]  # the model takes any field
    for result in results:
        np.testing.assert_array_equal(result, np.zeros(100_000))


def test_complex_products_follow_jax() -> None:
    """Nothing is conjugated, and a real input has a real cotangent."""
    z = np.array([1 + 2j, 3 - 1j])
    cotangent = np.array([1j, 2 + 1j])
    found = jax_vjp(lambda d: {"y": d["z"] ** 2}, Inputs(z=z), {"z"}, {"y"}, {"y": cotangent})
    np.testing.assert_allclose(found["z"], 2 * z * cotangent)
    real = jax_vjp(lambda d: {"y": 1j * d["x"]}, Inputs(x=X[:2]), {"x"}, {"y"}, {"y": cotangent})
    np.testing.assert_array_equal(real["x"], (1j * cotangent).real)


def _jacobian(function: Any, inputs: Any, paths: Any, outputs: Any) -> Any:
    return jax_jacobian(function, inputs, paths, outputs)


def _jvp(function: Any, inputs: Any, paths: Any, outputs: Any) -> Any:
    return jax_jvp(function, inputs, paths, outputs, dict.fromkeys(paths, X))


def _vjp(function: Any, inputs: Any, paths: Any, outputs: Any) -> Any:
    return jax_vjp(function, inputs, paths, outputs, dict.fromkeys(outputs, X))


every_derivative = pytest.mark.parametrize("derive", [_jacobian, _jvp, _vjp])


def _some(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": inputs["x"], "n": inputs["k"], "text": "a", "k": 3, "list": [inputs["x"]]}


@every_derivative
@pytest.mark.parametrize(
    ("paths", "outputs", "message"),
    [
        ({"z"}, {"y"}, "The inputs have no array at 'z'."),
        ({"x.[0]"}, {"y"}, r"The inputs have no array at 'x.\[0\]'."),
        ({"s"}, {"y"}, "The inputs have no array at 's'."),
        ({"k"}, {"y"}, "'k' is int64. Only arrays of floating point numbers can be"),
        ({"x"}, {"y.{a}"}, "apply_jit returned no array at 'y.{a}'."),
        ({"x"}, {"list"}, "apply_jit returned no array at 'list'."),
        ({"x"}, {"list.[1]"}, r"apply_jit returned no array at 'list.\[1\]'."),
        ({"x"}, {"text"}, "apply_jit returned no array at 'text'."),
        ({"x"}, {"n"}, "'n' is int64. Only arrays of floating point numbers can be"),
        ({"x"}, {"k"}, "'k' is int64. Only arrays of floating point numbers can be"),
    ],
)
def test_paths_must_lead_to_floating_point_arrays(
    derive: Callable[..., Any], paths: set[str], outputs: set[str], message: str
) -> None:
    """The error names a path without an array, each time."""
    inputs = Inputs(x=X, k=np.array([1, 2, 3]), s="text")
    for _ in range(2):
        with pytest.raises(GradientFailed, match=message):
            derive(_some, inputs, paths, outputs)


def test_vectors_must_fit() -> None:
    """A tangent or cotangent that is missing, or of another shape or kind, is named."""
    inputs = Inputs(x=X)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": jnp.sum(inputs["x"])}

    with pytest.raises(GradientFailed, match="tangent_vector has no array for 'x'"):
        jax_jvp(function, inputs, {"x"}, {"y"}, {})
    with pytest.raises(
        GradientFailed, match=r"tangent of 'x' is an array of shape \(2,\), expected \(3,\)"
    ):
        jax_jvp(function, inputs, {"x"}, {"y"}, {"x": X[:2]})
    with pytest.raises(GradientFailed, match="cotangent_vector has no array for 'y'"):
        jax_vjp(function, inputs, {"x"}, {"y"}, {"x": X})
    with pytest.raises(
        GradientFailed, match=r"cotangent of 'y' is an array of shape \(3,\), expected \(\)"
    ):
        jax_vjp(function, inputs, {"x"}, {"y"}, {"y": X})
    with pytest.raises(GradientFailed, match="cotangent of 'y' is complex128, expected float64"):
        jax_vjp(function, inputs, {"x"}, {"y"}, {"y": np.complex128(1j)})


@pytest.mark.parametrize(
    ("function", "inputs", "path"),
    [
        (lambda d: {"y": jnp.abs(d["z"])}, Inputs(z=X + 1j), "z"),
        (lambda d: {"y": 1j * d["z"]}, Inputs(z=X), "y"),
    ],
)
def test_there_is_no_jacobian_of_complex_arrays(function: Any, inputs: Any, path: str) -> None:
    """The error names the complex array and the endpoints to use instead."""
    with pytest.raises(
        GradientFailed, match=f"'{path}' is complex128, .* Ask for jacobian_vector_product"
    ):
        jax_jacobian(function, inputs, {"z"}, {"y"})


def test_errors_of_the_function_are_its_own() -> None:
    """What a function raises comes through unchanged, in every call."""

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("no way")

    for call in (partial(_jacobian), partial(_jvp), partial(_vjp)):
        with pytest.raises(ZeroDivisionError, match="no way"):
            call(function, Inputs(x=X), {"x"}, {"y"})
    with pytest.raises(ZeroDivisionError, match="no way"):
        jax_apply(function, Inputs(x=X))


def test_rank_zero_and_empty_arrays() -> None:
    """Numbers and arrays without elements are arrays too."""
    inputs = Inputs(x=np.float32(3.0), e=np.zeros((0, 2)))

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] ** 2, "e": 2 * inputs["e"]}

    found = jax_vjp(
        function, inputs, {"x", "e"}, {"y", "e"}, {"y": np.float32(1), "e": np.zeros((0, 2))}
    )
    assert (found["x"], found["x"].dtype, found["e"].shape) == (6.0, np.float32, (0, 2))
    blocks = jax_jacobian(function, inputs, {"x", "e"}, {"y", "e"})
    assert blocks["e"]["e"].shape == (0, 2, 0, 2)
    assert blocks["y"]["x"] == 6.0


def test_schemas_of_32_bits_need_no_64(recwarn: pytest.WarningsRecorder) -> None:
    """Float32 fields work in either mode without a word."""

    class Single(BaseModel):
        x: Differentiable[Array[(None,), Float32]]

    compute_in(32)
    found = jax_vjp(
        lambda d: {"y": d["x"] ** 2},
        Single.model_validate({"x": [1.0, 2.0]}),
        {"x"},
        {"y"},
        {"y": np.ones(2, np.float32)},
    )
    np.testing.assert_array_equal(found["x"], np.array([2, 4], np.float32))
    assert not recwarn.list


@pytest.mark.parametrize("cached", [False, True])
def test_a_batch_is_traced_once_and_has_the_values_of_single_vectors(cached: bool) -> None:
    """Products of a batch come from one compiled call, also from a kept linearization."""
    traced = Counted(lambda inputs: {"y": jnp.sin(inputs["x"]) * inputs["x"].sum()})
    inputs, vectors = Inputs(x=X), np.random.default_rng(1).standard_normal((4, 3))
    set_jax_vjp_cache_size(int(cached))
    jax_apply(traced, inputs)
    for product, path in ((jax_jvp, "x"), (jax_vjp, "y")):
        before = traced.traces
        found = product(traced, inputs, {"x"}, {"y"}, {path: vectors}, batch=4)
        assert traced.traces - before == (0 if cached and product is jax_vjp else 1)
        for position, vector in enumerate(vectors):
            alone = product(traced, inputs, {"x"}, {"y"}, {path: vector})
            for key, array in alone.items():
                np.testing.assert_allclose(found[key][position], array, rtol=1e-12)
