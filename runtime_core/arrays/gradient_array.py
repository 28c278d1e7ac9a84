"""Arrays of derivatives: tangents, cotangents and blocks of a Jacobian.

Their shape and data type follow from the fields that they belong to, so the annotation takes any;
the endpoints compare them with those fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from runtime_core.arrays.annotation import leaf_core_schema
from runtime_core.arrays.array_document import ArrayDocument
from runtime_core.arrays.coercion import Expected

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue


class _AnyArray:
    """Reads and writes arrays of any shape and data type."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return leaf_core_schema(ArrayDocument(Expected(shape=..., dtype=None)))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        from runtime_core.arrays.json_schema import array_json_schema  # it builds models

        return array_json_schema(shape=..., dtype="complex128", flags=(), handler=handler)


GradientArray = Annotated[np.ndarray[Any, Any], _AnyArray()]
"""Type annotation for an array of derivatives, of any shape and numeric data type."""
