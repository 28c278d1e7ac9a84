"""Abstract inputs and outputs: the author's models with shapes and data types for arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import Expected
from runtime_core.arrays.dtypes import DTYPES, NAMES
from runtime_core.arrays.nested_numbers import from_numbers
from runtime_core.arrays.shape_dtype import ShapeDType
from runtime_core.paths import Path, expand, replace
from runtime_core.schemas.walk import is_array, walk


def abstract_leaf(array: Any) -> Any:
    """Return the annotation that replaces an array type in abstract models.

    It accepts `{"shape", "dtype"}` and, for defaults, arrays. The validated value has the broadcast
    shape and the data type of the field.
    """
    dtype = DTYPES[array.expected_dtype]
    expected = Expected(shape=array.expected_shape, dtype=dtype)

    def fit(abstract: ShapeDType) -> ShapeDType:
        expected.check_dtype(DTYPES[abstract.dtype])
        if min(abstract.shape, default=0) < 0:
            raise PydanticCustomError(
                "array_shape_mismatch",
                "Array shape {got} has a negative size",
                {"got": str(abstract.shape)},
            )
        shape = expected.target_shape(abstract.shape)
        return ShapeDType(shape=shape, dtype=array.expected_dtype)

    def read(value: Any) -> Any:
        if isinstance(value, ShapeDType | Mapping):
            return value
        shaped = hasattr(value, "shape") and not isinstance(value, memoryview)
        numbers = value if shaped else from_numbers(value, dtype, integral_floats=True)
        return ShapeDType(shape=np.shape(numbers), dtype=array.expected_dtype)

    return Annotated[ShapeDType, BeforeValidator(read), AfterValidator(fit)]


def abstracted(value: BaseModel) -> Any:
    """Return a value with a `ShapeDType` in the place of every array."""
    return replace(value, abstract_arrays(value))


def abstract_arrays(value: BaseModel) -> dict[Path, ShapeDType]:
    """Return the shape and data type of every array of a value, by path."""
    return {
        path: ShapeDType(shape=leaf.shape, dtype=NAMES[leaf.dtype])
        for node in walk(type(value))
        if is_array(node.type)
        for path, leaf in expand(value, node.path)
        if isinstance(leaf, np.ndarray | np.generic)
    }
