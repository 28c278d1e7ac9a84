"""`Array` and `Differentiable`: the annotations of array fields in pydantic models."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, core_schema

from runtime_core.arrays.array_document import ArrayDocument
from runtime_core.arrays.coercion import Expected, Shape, exact_test
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.calls.scope import current
from runtime_core.errors import did_you_mean, listed

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue


class _ArrayType(type):
    """The metaclass of `Array` and of all array types."""

    expected_shape: Shape
    expected_dtype: str
    flags: tuple[str, ...]

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "Array is an annotation and has no instances. Write Array[shape, dtype] as the type "
            "of a field, and give the field a numpy array."
        )

    def __repr__(cls) -> str:
        if cls is Array:
            return "Array"
        shape = "..." if cls.expected_shape is ... else repr(cls.expected_shape)
        array = f"Array[{shape}, {cls.expected_dtype!r}]"
        return f"Differentiable[{array}]" if cls.flags else array


class Array(metaclass=_ArrayType):
    """Type annotation for a multi-dimensional numpy array with a shape and data type.

    Sizes that are `None` take any number; `()` is a scalar; `...` takes any shape. Arrays are
    cast and broadcast to what is declared, but the number of dimensions must match.

    >>> from pydantic import BaseModel
    >>> from runtime_core import Array, Float64, Int32
    >>> class Model(BaseModel):
    ...     counts: Array[(2, 3), Int32]
    ...     points: Array[(None, 3), Float64]
    ...     anything: Array[..., Float64]
    >>> model = Model(counts=[[1, 2, 3], [4, 5, 6]], points=[[0.5, 1.0, 1.5]], anything=7)
    >>> model.points.shape
    (1, 3)
    >>> model.model_dump_json(include={"points"}, context={"array_encoding": "base64"})[:60]
    '{"points":{"object_type":"array","shape":[1,3],"dtype":"floa'
    """

    def __class_getitem__(cls, parameters: Any) -> _ArrayType:
        """Return the type of arrays with a shape and a data type."""
        if cls is not Array:
            raise TypeError(f"{cls!r} has its shape and data type already.")
        if not isinstance(parameters, tuple) or len(parameters) != 2:
            raise _without_parameters()
        shape, dtype = parameters
        return array_type(_checked_shape(shape), _checked_dtype(dtype), ())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema that coerces arrays, and writes them in the encoding of the context."""
        if cls is Array:
            raise _without_parameters()
        leaf = ArrayDocument(Expected(shape=cls.expected_shape, dtype=DTYPES[cls.expected_dtype]))
        return leaf_core_schema(leaf)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the document, with the encodings of the current scope."""
        if handler.mode == "serialization" and "serialization" in schema:
            return handler(schema)  # of a serializer of the author
        from runtime_core.arrays.json_schema import array_json_schema  # it builds models

        return array_json_schema(
            shape=cls.expected_shape, dtype=cls.expected_dtype, flags=cls.flags, handler=handler
        )


_PLAIN_TYPES = frozenset({str, int, float, bool})


def _without_parameters() -> TypeError:
    return TypeError("Array needs a shape and a data type, for instance Array[(None, 3), Float64].")


def leaf_core_schema(leaf: ArrayDocument) -> CoreSchema:
    """Return the schema of a field whose arrays `leaf` reads and writes."""
    is_exact = exact_test(leaf.expected)

    def validate(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if is_exact(value):
            return value
        if type(value) in _PLAIN_TYPES:
            handler(value)  # lets pydantic prefer the value's own type in a union
        try:
            return leaf.validate(value, info)
        except Exception as error:
            if current().traced:
                return value
            if not leaf.has_floats_for_integers(value, error):
                raise
        handler(value)  # an array of floats fits better, if a union has one
        return leaf.validate(value, info, integral_floats=True)

    shape = "..." if leaf.expected.shape is ... else leaf.expected.shape
    validate.__name__ = f"Array[{shape}, {leaf.expected.dtype}]"  # for faults in unions
    written = core_schema.plain_serializer_function_ser_schema(
        leaf.serialize, info_arg=True, when_used="json"
    )
    # A serializer that the author gives to the field would replace that of the outer schema.
    return core_schema.with_info_wrap_validator_function(
        validate, core_schema.any_schema(serialization=written)
    )


def _reduce(array: _ArrayType) -> Any:
    if array is Array:
        return "Array"
    return array_type, (array.expected_shape, array.expected_dtype, array.flags)


# The types are created by calls, so that pickle cannot find them by name.
copyreg.pickle(_ArrayType, _reduce)


@cache  # equal annotations must be the same type; there are few of them
def array_type(shape: Shape, dtype: str, flags: tuple[str, ...]) -> _ArrayType:
    """Return the one array type of a shape, a data type and flags."""
    return _ArrayType(
        "Array",
        (Array,),
        {
            "expected_shape": shape,
            "expected_dtype": dtype,
            "flags": flags,
            "__module__": Array.__module__,
        },
    )


class Differentiable:
    """Type annotation for an array with gradients.

    >>> from runtime_core import Array, Differentiable, Float64
    >>> Differentiable[Array[(None, 3), Float64]]
    Differentiable[Array[(None, 3), 'float64']]
    """

    def __class_getitem__(cls, array: Any) -> _ArrayType:
        """Return the differentiable type of an array type."""
        if not isinstance(array, _ArrayType) or array is Array:
            raise TypeError(
                f"Differentiable needs an array type, not {array!r}: for instance "
                "Differentiable[Array[(3,), Float64]] or Differentiable[Float32]."
            )
        return array_type(array.expected_shape, array.expected_dtype, ("DIFFERENTIABLE",))


def _checked_shape(shape: Any) -> Shape:
    if shape is ...:
        return ...
    if not isinstance(shape, tuple):
        raise TypeError(
            f"The shape of an array must be a tuple or ..., not {shape!r}: for instance (3,), "
            "(None, 3) or () for a scalar."
        )
    for size in shape:
        whole = isinstance(size, int) and not isinstance(size, bool)
        if size is not None and (not whole or size < 0):
            raise ValueError(
                f"{size!r} in {shape!r} is not a valid size: write a whole number or None."
            )
    return shape


def _checked_dtype(dtype: Any) -> str:
    if isinstance(dtype, _ArrayType) and dtype is not Array:
        return dtype.expected_dtype
    name = dtype if isinstance(dtype, str) else _ALIASES.get(dtype, repr(dtype))
    if name not in DTYPES:
        raise TypeError(
            f"{dtype!r} is not a valid data type of an array.{did_you_mean(name, DTYPES)} "
            f"Known: {listed(set(DTYPES))}."
        )
    return name


_ALIASES: Mapping[Any, str] = MappingProxyType(
    {key: name for name, dtype in DTYPES.items() for key in (dtype, dtype.type)}
)
