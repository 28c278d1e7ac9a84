"""Batches: many tangents or cotangents in one call, along a leading axis of each array."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic_core import PydanticCustomError

from runtime_core.arrays.coercion import AnyArray, Expected
from runtime_core.gradients.required_memory import require_memory
from runtime_core.gradients.results import ResultCheck, stacked
from runtime_core.gradients.signatures import BATCH
from runtime_core.gradients.vectors import Vector

MOST_VECTORS = 10_000
"""The vectors of one batch."""

BATCH_FIELD = (
    Annotated[int, Field(strict=True, ge=1, le=MOST_VECTORS)] | None,
    Field(
        default=None,
        description="Number of vectors in one call: every array of a vector, and of the result, "
        "has a leading axis of this size.",
    ),
)
"""The annotation and default of the payload's field, for `create_model`."""


def takes_batch(function: Any) -> bool:
    """Test whether a gradient function has a parameter `batch`.

    >>> takes_batch(lambda inputs, tangent_vector, batch=None: {})
    True
    """
    try:
        return BATCH in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a callable without a signature
        return False


def coerce_stacked(array: AnyArray, one: Expected, batch: int, source: Any) -> Any:
    """Coerce the arrays of a batch, each of which is expected as `one`.

    Raises `PydanticCustomError` for an array without the leading axis of the batch, which is never
    broadcast.
    """
    wanted = stacked(one, batch)
    rank = array.ndim if one.shape is ... else len(one.shape) + 1
    if array.ndim != rank or array.shape[:1] != (batch,):
        raise PydanticCustomError(
            "batch_axis_mismatch",
            "batch is {batch}, so the array needs a leading axis of that size: got the shape "
            "{got}, expected {expected}",
            {
                "batch": batch,
                "got": str(array.shape),
                "expected": f"({batch}, ...)" if wanted.shape is ... else str(wanted.shape),
            },
        )
    return wanted.coerce(array, source)


def each_of(vectors: Sequence[Vector], batch: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the vectors of a batch one by one, as views.

    >>> [[x["x"].tolist()] for [x] in each_of([{"x": np.eye(2)}], 2)]
    [[[1.0, 0.0]], [[0.0, 1.0]]]
    """
    for position in range(batch):
        yield [{path: array[position] for path, array in vector.items()} for vector in vectors]


def stack(products: Iterable[Mapping[str, Any]], batch: int, check: ResultCheck) -> dict[str, Any]:
    """Copy the products of single vectors, which have the same shapes, into the arrays of a batch.

    Raises `MemoryExceeded` for more bytes than the memory limit, once the first product is known.
    """
    found: dict[str, AnyArray] = {}
    for position, product in enumerate(products):
        if not found:
            require_memory(batch * sum(array.nbytes for array in product.values()), "The batch")
            found = {p: np.empty((batch, *a.shape), a.dtype) for p, a in product.items()}
        for path, array in product.items():
            check.of(path).check_shape(array.shape, found[path].shape[1:])
            found[path][position] = array
    return found
