"""The values that programs have at hand: lists of arrays, JAX scalars, columns of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tesseract_runtime_client import Tesseract, ValidationError
from tests.client.conftest import written

SOURCE = """
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int64

class InputSchema(BaseModel):
    vector: Differentiable[Array[(None,), Float64]] = [0.0]
    matrix: Differentiable[Array[(None, None), Float64]] = [[0.0]]
    cube: Array[(None, None, None), Float32] = [[[0.0]]]
    counts: Array[(None,), Int64] = [0]
    parts: list[Array[(None,), Float64]] = []
    words: list[str] = []
    number: float = 0.0
    count: int = 0

class OutputSchema(InputSchema):
    pass

def apply(inputs):
    return OutputSchema(**{name: getattr(inputs, name) for name in InputSchema.model_fields})

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    return {name: tangent_vector[name] for name in jvp_outputs}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {name: cotangent_vector[name] for name in vjp_inputs}
"""

VECTOR = np.arange(2.0)


class Column:
    """A column of a table, as those of pandas: an array of objects with `tolist`."""

    def __init__(self, *values: Any) -> None:
        self._values = values
        self.dtype = np.dtype(object)

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray[Any, Any]:
        """Return the values as an array of objects."""
        return np.array(self._values, dtype=object)

    def tolist(self) -> list[Any]:
        """Return the values."""
        return [*self._values]


@pytest.fixture(scope="module", params=["msgpack", "json+base64", "json"])
def echo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tesseract]:
    """Open a Tesseract that returns its inputs, for each format."""
    path = written(tmp_path_factory.mktemp("echo"), SOURCE)
    with Tesseract.from_api(path, output_path=path.parent, encoding=request.param) as tesseract:
        yield tesseract


VALUES: list[tuple[str, Any, Any]] = [
    ("matrix", [VECTOR, VECTOR], [[0, 1], [0, 1]]),
    ("matrix", (VECTOR, [2.0, 3.0]), [[0, 1], [2, 3]]),
    ("matrix", [[2, 3.0], np.array([4, 5])], [[2, 3], [4, 5]]),
    ("matrix", [jnp.arange(2.0), jnp.arange(2)], [[0, 1], [0, 1]]),
    ("matrix", [[jnp.float32(0.5), 2.0], [np.float64(3.0), np.array(4)]], [[0.5, 2], [3, 4]]),
    ("cube", [[VECTOR, VECTOR], [VECTOR, VECTOR + 2]], [[[0, 1], [0, 1]], [[0, 1], [2, 3]]]),
    ("cube", [np.eye(2), np.ones((2, 2))], [[[1, 0], [0, 1]], [[1, 1], [1, 1]]]),
    ("vector", [jnp.float32(0.5), jnp.int32(2)], [0.5, 2]),
    ("vector", Column(1.0, 2), [1, 2]),
    ("vector", memoryview(VECTOR.data), [0, 1]),
    ("counts", [np.array(2**53 + 1), jnp.int32(2)], [2**53 + 1, 2]),
    ("parts", [VECTOR, jnp.ones(1), [jnp.float32(2.0)]], [[0, 1], [1], [2]]),
    ("words", Column("a", "b"), ["a", "b"]),
    ("words", np.array(["a", "b"]), ["a", "b"]),
    ("number", jnp.float32(0.5), 0.5),
    ("count", jnp.int32(5), 5),
    ("count", np.array(5), 5),
    ("count", 5.0, 5),  # JavaScript has one type of numbers
]


@pytest.mark.parametrize(("field", "value", "expected"), VALUES)
def test_values_arrive_as_they_are_meant(
    echo: Tesseract, field: str, value: Any, expected: Any
) -> None:
    """A field gets the array, list or number that a value stands for, in every format."""
    found = echo.apply({field: value})[field]
    if isinstance(found, list):
        assert [item if isinstance(item, str) else item.tolist() for item in found] == expected
    else:
        np.testing.assert_array_equal(found, expected, strict=False)
        assert np.shape(found) == np.shape(expected)


@pytest.mark.parametrize("product", ["jacobian_vector_product", "vector_jacobian_product"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("matrix", [VECTOR, jnp.arange(2.0)]), ("vector", [jnp.float32(0.0), np.array(1.0)])],
)
def test_tangents_are_read_alike(echo: Tesseract, product: str, field: str, value: Any) -> None:
    """Tangents and cotangents may be lists of arrays and of scalars of JAX."""
    inputs = {"matrix": np.zeros((2, 2)), "vector": np.zeros(2)}
    call: Callable[..., Any] = getattr(echo, product)
    found = call(inputs, [field], [field], {field: value})[field]
    np.testing.assert_array_equal(found, np.array(value))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("matrix", [VECTOR, np.arange(3.0)], "nested lists must all have the same lengths"),
        ("vector", [VECTOR, VECTOR], "got 2D, expected 1D"),
        ("counts", [np.array([1.5]), [2]], "nested lists|'float64' cannot be safely cast"),
        ("matrix", [VECTOR, {"data": [2]}], "array lacks dtype, shape"),
        ("vector", Column(1.0, object()), r"body\.inputs\.vector\.1: An object of type object"),
    ],
)
def test_lists_of_arrays_that_do_not_fit_are_named(
    echo: Tesseract, field: str, value: Any, message: str
) -> None:
    """The faults are those of the array that the list stands for."""
    with pytest.raises(ValidationError, match=message):
        echo.apply({field: value})
