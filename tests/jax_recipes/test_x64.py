"""A Float64 field while JAX computes in 32 bits gives one warning, with the remedy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, create_model

from runtime_core import Array, Complex128, Differentiable, Float32, Float64, Runtime
from tesseract_runtime_jax import jax_apply, jax_vjp
from tesseract_runtime_jax.x64 import warn_of_doubles
from tests.conftest import Cli
from tests.jax_recipes.conftest import compute_in
from tests.jax_recipes.test_backend import SOURCE

ADVICE = (
    "x: 64-bit numbers are declared, but JAX computes in 32 bits. Set JAX_ENABLE_X64=1, or call "
    'jax.config.update("jax_enable_x64", True) first in the file.'
)


class Double(BaseModel):
    """Inputs that need 64 bits."""

    x: Differentiable[Array[(None,), Float64]]


class Single(BaseModel):
    """Inputs that do not."""

    x: Differentiable[Array[(None,), Float32]]


@pytest.fixture(autouse=True)
def single_precision(double_precision: None) -> Iterator[None]:
    """Let JAX compute in 32 bits, and forget who has been warned."""
    from tesseract_runtime_jax import x64

    x64._warn.cache_clear()
    compute_in(32)
    yield
    x64._warn.cache_clear()


def texts(caught: list[warnings.WarningMessage]) -> list[str]:
    """Return the texts of warnings."""
    return [str(warning.message) for warning in caught]


def test_the_recipe_functions_warn_once() -> None:
    """The first call with a Float64 field warns, and later ones do not."""
    inputs = Double.model_validate({"x": [1.0]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            jax_apply(lambda d: d, inputs)
            jax_vjp(lambda d: {"y": d["x"]}, inputs, {"x"}, {"y"}, {"y": np.ones(1)})
    assert texts(caught) == [ADVICE]


@pytest.mark.parametrize(("schema", "bits"), [(Single, 32), (Single, 64), (Double, 64)])
def test_nothing_is_said_where_nothing_is_lost(schema: type[BaseModel], bits: int) -> None:
    """Float32 fields, and 64 bits switched on, are in order."""
    compute_in(bits)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jax_apply(lambda d: d, schema.model_validate({"x": np.ones(1, "float32")}))
    assert texts(caught) == []


def test_the_fields_are_named() -> None:
    """Nested fields are named by their paths, and a few are enough."""

    class Many(BaseModel):
        nested: list[Double]
        z: Array[(None,), Complex128]
        a: Single
        more: dict[str, Float64]

    with pytest.warns(UserWarning, match=r"^more.\{\}, nested.\[\].x, z: 64-bit numbers"):
        warn_of_doubles(Many)


def test_only_a_few_fields_are_named() -> None:
    """A schema of many fields does not make a long warning."""
    fields: dict[str, Any] = dict.fromkeys("abcdefgh", (Float64, ...))
    many = create_model("Many", **fields)
    with pytest.warns(UserWarning, match=r"^a, b, c, d, e and 3 more: 64-bit"):
        warn_of_doubles(many)


def test_the_backend_warns_when_a_file_is_loaded(runtime: Callable[..., Runtime]) -> None:
    """Nothing need be called to learn of it; asking for more endpoints repeats nothing."""
    tesseract = runtime(SOURCE, gradient_backend="jax")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tesseract.function("jacobian")
        tesseract.function("vector_jacobian_product")
        tesseract.call(
            "jacobian",
            {
                "inputs": {"model": {"weights": [[1.0]]}, "x": [1.0]},
                "jac_inputs": ["x"],
                "jac_outputs": ["y"],
            },
        )
    assert texts(caught) == [ADVICE.replace("x:", "model.weights, x:")]


def test_outputs_count_too(runtime: Callable[..., Runtime]) -> None:
    """A Float64 output of Float32 inputs warns at load."""
    source = SOURCE.replace("weights: Differentiable[Array[(None, None), Float64]]", "weights: int")
    source = source.replace(
        "    x: Differentiable[Array[(None,), Float64]]", "    x: Differentiable[Float32]"
    )
    with pytest.warns(UserWarning, match="^y: 64-bit numbers are declared"):
        runtime(source, gradient_backend="jax").function("jacobian")


def test_the_command_line_tells_it(cli: Cli, tesseract: Callable[..., Any]) -> None:
    """`check` shows the warning."""
    ended = cli("--api-path", str(tesseract(SOURCE)), "--gradient-backend", "jax", "check")
    assert ended.returncode == 0
    assert ended.stderr.count("Set JAX_ENABLE_X64=1") == 1
    assert "JAX_ENABLE_X64" not in ended.stdout
