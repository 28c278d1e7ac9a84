"""The VJP cache: a hit skips the forward pass, and never is a wrong gradient found."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import struct
import weakref
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from runtime_core.errors import GradientFailed, InvalidOption
from tesseract_runtime_jax import (
    jax_abstract_eval,
    jax_apply,
    jax_vjp,
    jax_vjp_cache_info,
    set_jax_vjp_cache_size,
)
from tesseract_runtime_jax.static_values import token
from tests.jax_recipes.conftest import Counted, Inputs, aligned, compute_in, same_bits

X = np.array([1.0, 2.0, 3.0])
ONES = {"y": np.ones(3)}


class Word(StrEnum):
    """Equal to a string."""

    A = "a"


class Number(IntEnum):
    """Equal to a number."""

    ONE = 1


@dataclass(frozen=True, repr=False)
class Opaque:
    """A value whose text does not distinguish it."""

    value: int

    def __repr__(self) -> str:
        return "Opaque()"


def square(inputs: dict[str, Any]) -> dict[str, Any]:
    """Square an array, and pass static values through."""
    whole = jnp.floor(inputs["x"]).astype(int)
    return {"y": inputs["x"] ** 2, "whole": whole, "label": inputs.get("label"), "one": 1.0}


def hits_and_misses() -> tuple[int, int]:
    """Return the hits and misses of the cache."""
    info = jax_vjp_cache_info()
    return info.hits, info.misses


def test_it_is_off_at_first() -> None:
    """Without a size nothing is stored, counted or looked up."""
    counted = Counted(square)
    inputs = Inputs(x=X)
    jax_apply(counted, inputs)
    jax_vjp(counted, inputs, {"x"}, {"y"}, ONES)
    assert counted.runs == 2
    assert jax_vjp_cache_info().size == jax_vjp_cache_info().entries == 0
    assert hits_and_misses() == (0, 0)


def test_a_hit_skips_the_forward_pass() -> None:
    """After `jax_apply` any number of cotangents is pulled back without running the function."""
    set_jax_vjp_cache_size(1)
    counted = Counted(square)
    inputs = Inputs(x=X, label="a")
    outputs = jax_apply(counted, inputs)
    assert outputs["label"] == "a"
    np.testing.assert_array_equal(outputs["y"], X**2)
    assert counted.runs == 1
    for scale in (1, 2):
        found = jax_vjp(counted, Inputs(x=X.copy(), label="a"), {"x"}, {"y"}, {"y": scale * X})
        np.testing.assert_array_equal(found["x"], scale * 2 * X * X)
    assert counted.runs == 1
    assert hits_and_misses() == (2, 0)


def test_a_miss_runs_the_function() -> None:
    """Other inputs than those of `jax_apply` are computed as without a cache."""
    set_jax_vjp_cache_size(1)
    counted = Counted(square)
    jax_apply(counted, Inputs(x=X))
    found = jax_vjp(counted, Inputs(x=2 * X), {"x"}, {"y"}, ONES)
    np.testing.assert_array_equal(found["x"], 4 * X)
    assert counted.runs == 2
    assert hits_and_misses() == (0, 1)


def test_the_oldest_goes_first() -> None:
    """As many calls are remembered as there are slots; one that is used stays longer."""
    set_jax_vjp_cache_size(2)
    points = [Inputs(x=scale * X) for scale in (1, 2, 3)]
    jax_apply(square, points[0])
    jax_apply(square, points[1])
    jax_vjp(square, points[0], {"x"}, {"y"}, ONES)
    jax_apply(square, points[2])
    assert jax_vjp_cache_info().entries == 2
    for point, expected in zip(points, [(2, 0), (2, 1), (3, 1)], strict=True):
        jax_vjp(square, point, {"x"}, {"y"}, ONES)
        assert hits_and_misses() == expected


def test_a_new_size_begins_anew() -> None:
    """Setting the size lets go of all that was kept."""
    set_jax_vjp_cache_size(2)
    jax_apply(square, Inputs(x=X))
    set_jax_vjp_cache_size(1)
    assert jax_vjp_cache_info().entries == 0
    jax_vjp(square, Inputs(x=X), {"x"}, {"y"}, ONES)
    assert hits_and_misses() == (0, 1)


@pytest.mark.parametrize("size", [-1, 1.5, "2", None])
def test_a_size_is_a_whole_number(size: Any) -> None:
    """Anything else is refused, and the message has the value."""
    with pytest.raises(InvalidOption, match=f"cannot have the size {size!r}: give 0 or more"):
        set_jax_vjp_cache_size(size)


_NAN = struct.unpack("d", struct.pack("Q", 0x7FF8000000000001))[0]

STATIC = [
    (-1, -2),
    (-1.0, -2.0),
    (0.0, -0.0),
    (1, True),
    (0, False),
    (1, 1.0),
    (True, 1.0),
    (1, 1 + 0j),
    (0j, complex(0.0, -0.0)),
    (1, Number.ONE),
    ("a", Word.A),
    ("1", 1),
    ("None", None),
    ("a", b"a"),
    (b"a", bytearray(b"a")),
    (math.nan, _NAN),
    (math.nan, math.inf),
    ([1], (1,)),
    ([1], [True]),
    ([[], []], [[[]]]),
    ([1, [2]], [[1], 2]),
    ({"a": 1}, {"b": 1}),
    ({1: "a"}, {True: "a"}),
    ({1: "a"}, {"1": "a"}),
    ({1, 2}, {True, 2}),
    ({1, 2}, frozenset({1, 2})),
    ((1, (0.0,)), (1, (-0.0,))),
    (Decimal("1.0"), Decimal("1.00")),
    (
        datetime(2024, 1, 1, 12, tzinfo=UTC),
        datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    ),
    (Opaque(1), Opaque(2)),
    (np.str_("a"), "a"),
    (np.array(["a", "b"]), np.array(["a", "c"])),
    (np.array([1, "b"], object), np.array([True, "b"], object)),
]


def fingerprint(value: Any) -> float:
    """Return a number that distinguishes values even if they are equal."""
    return float(zlib.crc32(pickle.dumps(value)))


def by_fingerprint(inputs: dict[str, Any]) -> dict[str, Any]:
    """Multiply an array by a number for the static value."""
    return {"y": inputs["x"] * fingerprint(inputs["s"])}


@pytest.mark.parametrize(("one", "other"), [*STATIC, *(pair[::-1] for pair in STATIC)], ids=repr)
def test_static_values_that_seem_equal_are_not_mixed_up(one: Any, other: Any) -> None:
    """Neither a linearization nor a compiled function of one value serves the other."""
    set_jax_vjp_cache_size(4)
    first, second = Inputs(x=X, s=one), Inputs(x=X, s=other)
    expected = fingerprint(second.model_dump()["s"])
    assert expected != fingerprint(first.model_dump()["s"])
    jax_apply(by_fingerprint, first)
    jax_vjp(by_fingerprint, first, {"x"}, {"y"}, ONES)
    for _ in range(2):
        found = jax_vjp(by_fingerprint, second, {"x"}, {"y"}, ONES)
        np.testing.assert_array_equal(found["x"], expected)
        jax_apply(by_fingerprint, second)


@pytest.mark.parametrize(("one", "other"), STATIC, ids=repr)
def test_tokens_tell_values_apart(one: Any, other: Any) -> None:
    """The tokens differ by themselves, not only by their hashes."""
    if not isinstance(one, list | tuple | dict):  # of which the leaves have tokens
        assert token(one) != token(other)


@pytest.mark.parametrize("value", [*(pair[0] for pair in STATIC[:-2])], ids=repr)
def test_equal_static_values_are_found_again(value: Any) -> None:
    """The same inputs are neither traced nor run again."""
    set_jax_vjp_cache_size(1)
    counted = Counted(by_fingerprint)
    for _ in range(2):
        inputs = Inputs(x=X, s=copy.deepcopy(value))
        jax_apply(counted, inputs)
        jax_vjp(counted, inputs, {"x"}, {"y"}, ONES)
    assert hits_and_misses() == (2, 0)
    assert (counted.traces, counted.runs) == (1, 2)


def test_objects_without_equality_are_themselves_only() -> None:
    """An object is found again by identity."""
    set_jax_vjp_cache_size(1)
    thing = object()
    jax_apply(square, Inputs(x=X, thing=thing))
    jax_vjp(square, Inputs(x=X, thing=thing), {"x"}, {"y"}, ONES)
    jax_vjp(square, Inputs(x=X, thing=object()), {"x"}, {"y"}, ONES)
    assert hits_and_misses() == (1, 1)


def bits(inputs: dict[str, Any]) -> dict[str, Any]:
    """Multiply an array by a number made of all bits of another one."""
    x = jnp.asarray(inputs["x"])
    integers = lax.bitcast_convert_type(jnp.asarray(inputs["z"]), jnp.uint8).astype(jnp.int64)
    weights = 1 + jnp.arange(integers.size).reshape(integers.shape)
    return {"y": x * jnp.sum(weights * integers) + len(inputs["z"].shape)}


def _nan(payload: int) -> Any:
    return np.array([0x7FF8000000000000 + payload], np.uint64).view(np.float64)


ARRAYS = [
    (np.array([0.0]), np.array([-0.0])),
    (_nan(1), _nan(2)),
    (_nan(1), -_nan(1)),
    (np.array([-1]), np.array([-2])),
    (np.array([1.0]), np.array([1])),
    (np.array([1]), np.array([1], np.int32)),
    (np.array([1, 0], np.int32), np.array([1])),
    (np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])),
    (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)),
    (np.arange(6.0), np.arange(6.0).reshape(6, 1)),
    (np.zeros((0, 3)), np.zeros((3, 0))),
    (np.zeros(2, np.float32), np.zeros(1)),
    (np.zeros(2), np.zeros(2, np.int64)),
    (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(3, 2).T)),
    (np.array([1.0]), np.float64(1.0)),
    (np.arange(3.0), np.arange(3.0)[::-1]),
]


@pytest.mark.parametrize(("one", "other"), [*ARRAYS, *(pair[::-1] for pair in ARRAYS)], ids=repr)
def test_arrays_that_seem_equal_are_not_mixed_up(one: Any, other: Any) -> None:
    """Values are compared byte by byte, and only between arrays of one shape and data type."""
    set_jax_vjp_cache_size(4)
    expected = jax_vjp(bits, Inputs(x=X, z=other), {"x"}, {"y"}, ONES)
    set_jax_vjp_cache_size(4)
    jax_apply(bits, Inputs(x=X, z=one))
    found = jax_vjp(bits, Inputs(x=X, z=other), {"x"}, {"y"}, ONES)
    assert hits_and_misses() == (0, 1)
    assert same_bits(found, expected)


def test_differentiated_arrays_of_equal_value_are_not_mixed_up() -> None:
    """The gradient of 1 / x differs between zeros of different sign."""
    set_jax_vjp_cache_size(2)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": jnp.sign(1 / inputs["x"]) * inputs["x"]}

    for zero in (0.0, -0.0):
        jax_apply(function, Inputs(x=np.array([zero])))
    for zero, expected in ((0.0, 1.0), (-0.0, -1.0)):
        found = jax_vjp(function, Inputs(x=np.array([zero])), {"x"}, {"y"}, {"y": np.ones(1)})
        assert found["x"] == expected
    assert hits_and_misses() == (2, 0)


def test_the_order_of_arrays_in_memory_does_not_matter() -> None:
    """Arrays of the same values are the same, however they lie in memory."""
    set_jax_vjp_cache_size(1)
    matrix = np.arange(6.0).reshape(2, 3)
    jax_apply(square, Inputs(x=np.asfortranarray(matrix)))
    found = jax_vjp(square, Inputs(x=np.repeat(matrix, 2, 1)[:, ::2]), {"x"}, {"y"}, {"y": matrix})
    assert hits_and_misses() == (1, 0)
    np.testing.assert_array_equal(found["x"], 2 * matrix * matrix)


def test_inputs_may_change_afterwards() -> None:
    """What is kept shares no memory with the inputs, which a caller may use again."""
    set_jax_vjp_cache_size(1)
    a, b = aligned(np.ones(100_000)), aligned(np.ones(100_000))

    def product(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["a"] * inputs["b"]}

    jax_apply(product, Inputs(a=a, b=b))
    a += 1
    b += 1
    for value in (1.0, 2.0):
        inputs = Inputs(a=np.full(100_000, value), b=np.full(100_000, value))
        found = jax_vjp(product, inputs, {"a", "b"}, {"y"}, {"y": np.ones(100_000)})
        np.testing.assert_array_equal(found["a"], value)
        np.testing.assert_array_equal(found["b"], value)
    assert hits_and_misses() == (1, 1)


def test_a_function_lives_as_long_as_what_is_kept_of_it() -> None:
    """No new function can take the place in memory of one whose linearization is kept."""
    set_jax_vjp_cache_size(1)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": 2 * inputs["x"]}

    alive = weakref.ref(function)
    jax_apply(function, Inputs(x=X))
    del function
    for _ in range(400):  # more than are kept compiled
        jax_abstract_eval(Counted(square), Inputs(x=X))
    gc.collect()
    assert alive() is not None


def test_functions_are_not_mixed_up() -> None:
    """Two functions with the same code, and two methods of equal objects, are different ones."""
    set_jax_vjp_cache_size(4)

    def scaled(scale: float) -> Any:
        return lambda inputs: {"y": scale * inputs["x"]}

    class Model:
        __hash__ = None  # type: ignore[assignment]  # as that of modules with numpy arrays in them

        def __init__(self, scale: float) -> None:
            self.scale = scale

        def __eq__(self, other: object) -> bool:
            return True

        def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
            return {"y": self.scale * inputs["x"]}

        def apply_jit(self, inputs: dict[str, Any]) -> dict[str, Any]:
            return self(inputs)

    inputs = Inputs(x=X)
    models = [Model(2), Model(3)]
    for functions in ([scaled(2), scaled(3)], models, [model.apply_jit for model in models]):
        jax_apply(functions[0], inputs)
        for function, scale in zip(functions, (2, 3), strict=True):
            found = jax_vjp(function, inputs, {"x"}, {"y"}, ONES)
            np.testing.assert_array_equal(found["x"], scale)


def test_equinox_modules_are_functions_too() -> None:
    """A module that is changed is another function, though it has the same structure."""
    set_jax_vjp_cache_size(2)
    layer = eqx.nn.Linear(3, 3, key=jax.random.key(0))
    models = [layer, eqx.tree_at(lambda layer: layer.weight, layer, 2 * layer.weight)]
    for model in models:

        def apply_jit(inputs: dict[str, Any], model: Any = model) -> dict[str, Any]:
            return {"y": model(inputs["x"])}

        for function in (eqx.filter_jit(apply_jit), partial(apply_jit, model=model)):
            jax_apply(function, Inputs(x=X))
            found = jax_vjp(function, Inputs(x=X), {"x"}, {"y"}, ONES)
            np.testing.assert_allclose(found["x"], model.weight.sum(axis=0))
    assert hits_and_misses() == (4, 0)


def test_other_precision_is_another_point() -> None:
    """What was computed in 64 bits does not serve in 32."""
    set_jax_vjp_cache_size(1)
    jax_apply(square, Inputs(x=X))
    compute_in(32)
    found = jax_vjp(square, Inputs(x=X), {"x"}, {"y"}, ONES)
    assert found["x"].dtype == np.float32
    assert hits_and_misses() == (0, 1)


def test_outputs_that_are_not_asked_for_leave_no_trace() -> None:
    """An infinite derivative of another output does not turn a cotangent into NaN."""
    set_jax_vjp_cache_size(1)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": 3 * inputs["x"], "root": jnp.sqrt(inputs["x"])}

    inputs = Inputs(x=np.zeros(3))
    jax_apply(function, inputs)
    found = jax_vjp(function, inputs, {"x"}, {"y"}, ONES)
    np.testing.assert_array_equal(found["x"], 3.0)
    assert hits_and_misses() == (1, 0)


def test_python_numbers_among_the_outputs_have_no_derivative() -> None:
    """A float in the outputs is constant, and is returned unchanged."""
    set_jax_vjp_cache_size(1)
    assert type(jax_apply(square, Inputs(x=X))["one"]) is float
    cotangents = {"y": X, "one": np.float64(1.0)}
    found = jax_vjp(square, Inputs(x=X), {"x"}, {"y", "one"}, cotangents)
    np.testing.assert_array_equal(found["x"], 2 * X * X)
    assert hits_and_misses() == (1, 0)


def test_any_paths_are_pulled_back() -> None:
    """One linearization serves every choice of inputs and outputs."""
    set_jax_vjp_cache_size(1)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        a, b = inputs["a"], inputs["b"]
        return {"sum": a + 2 * b, "product": [a * b], "n": inputs["n"], "s": "text"}

    inputs = Inputs(a=X, b=2 * X, n=np.array([1, 2]), k=3)
    jax_apply(function, inputs)
    both = {"sum": X, "product.[0]": X}
    for by, of, expected in [
        ({"a"}, {"sum"}, {"a": X}),
        ({"b"}, {"sum"}, {"b": 2 * X}),
        ({"a", "b"}, {"product.[0]"}, {"a": 2 * X * X, "b": X * X}),
        ({"b"}, {"sum", "product.[0]"}, {"b": 2 * X + X * X}),
    ]:
        found = jax_vjp(function, inputs, by, of, both)
        assert found.keys() == expected.keys()
        for path, cotangent in expected.items():
            np.testing.assert_array_equal(found[path], cotangent)
    assert hits_and_misses() == (4, 0)


@pytest.mark.parametrize(
    ("by", "of", "message"),
    [
        ({"z"}, {"y"}, "The inputs have no array at 'z'."),
        ({"n"}, {"y"}, "'n' is int64."),
        ({"x"}, {"z"}, "apply_jit returned no array at 'z'."),
        ({"x"}, {"label"}, "apply_jit returned no array at 'label'."),
        ({"x"}, {"whole"}, "'whole' is not an array of floats. Only arrays of floating point"),
    ],
)
def test_wrong_paths_are_named_as_without_it(by: set[str], of: set[str], message: str) -> None:
    """The errors are those of a `jax_vjp` that runs the function."""
    set_jax_vjp_cache_size(1)
    inputs = Inputs(x=X, label="a", n=np.array([1]))
    jax_apply(square, inputs)
    with pytest.raises(GradientFailed, match=message):
        jax_vjp(square, inputs, by, of, dict.fromkeys(of, X))
    with pytest.raises(GradientFailed, match=r"cotangent of 'y' is an array of shape \(2,\)"):
        jax_vjp(square, inputs, {"x"}, {"y"}, {"y": X[:2]})


def test_a_function_that_cannot_be_linearized_is_applied() -> None:
    """Callbacks have no derivative; their outputs are there all the same."""
    set_jax_vjp_cache_size(1)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        shape = jax.eval_shape(lambda: jnp.zeros(3))
        return {"y": jax.pure_callback(lambda x: np.asarray(x) + 1, shape, inputs["x"])}

    np.testing.assert_array_equal(jax_apply(function, Inputs(x=X))["y"], X + 1)
    assert jax_vjp_cache_info().entries == 0


def test_errors_of_the_function_are_its_own() -> None:
    """An exception of the function comes through, and nothing is kept."""
    set_jax_vjp_cache_size(1)

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("no way")

    with pytest.raises(ZeroDivisionError, match="no way"):
        jax_apply(function, Inputs(x=X))
    assert jax_vjp_cache_info().entries == 0


def test_threads_share_the_cache() -> None:
    """Many threads at once get their own gradients, also while the cache is resized."""
    set_jax_vjp_cache_size(3)

    def work(scale: int) -> bool:
        inputs = Inputs(x=scale % 7 * X)
        jax_apply(square, inputs)
        if scale % 10 == 0:
            set_jax_vjp_cache_size(2 + scale % 3)
        found = jax_vjp(square, inputs, {"x"}, {"y"}, ONES)
        return bool(np.all(found["x"] == 2 * (scale % 7) * X))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(200)))
    assert jax_vjp_cache_info().entries <= jax_vjp_cache_info().size
