"""Which models may see the document of an array as it was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    WrapValidator,
    create_model,
)

from runtime_core import Differentiable, Float64, Runtime
from runtime_core.arrays.annotation import array_type
from runtime_core.arrays.gradient_array import GradientArray
from runtime_core.documents.raw_documents import sees_raw_documents
from runtime_core.schemas import PayloadSchemas

DIFFERENTIABLE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    return OutputSchema(y=2 * inputs.x)
"""

ARRAY: Any = array_type((None,), "float64", ())


class Inner(BaseModel):
    """A nested model."""

    x: Differentiable[Float64]
    note: str = ""


class WithInit(BaseModel):
    """A closed model whose own `__init__` is called with the document."""

    model_config = ConfigDict(extra="forbid")

    x: Differentiable[Float64]

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)


def sees(annotation: Any) -> bool:
    """Apply `sees_raw_documents` to the payload of a model with one field."""
    made = create_model("InputSchema", x=(annotation, ...))
    return sees_raw_documents(PayloadSchemas(made, made).payload("Payload", inputs="Apply"))


@pytest.mark.parametrize(
    "annotation",
    [
        ARRAY,
        ARRAY | None,
        list[ARRAY],
        dict[str, ARRAY],
        dict[str, Inner],
        list[dict[str, list[Inner]]],
        tuple[Inner, ARRAY],
        ARRAY | Inner,
        dict[str, GradientArray],
        Annotated[ARRAY, AfterValidator(lambda x: x)],
        Annotated[list[ARRAY], Field(min_length=1)],
        *(Any, object, list, tuple, list[Any], Any | None),
        create_model("Ignoring", __config__=ConfigDict(extra="ignore")),
    ],
)
def test_arrays_and_what_holds_them_do_not(annotation: Any) -> None:
    """Models of arrays, texts and numbers let nothing else see their documents."""
    assert not sees(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        JsonValue,
        set,
        dict,
        dict[str, Any],
        dict[str, str],
        ARRAY | dict[str, JsonValue],
        Annotated[ARRAY, BeforeValidator(lambda x: x)],
        Annotated[ARRAY, WrapValidator(lambda x, handler: handler(x))],
        Annotated[ARRAY, PlainValidator(lambda x: x)],
        create_model("Open", __config__=ConfigDict(extra="allow")),
        create_model("Data", buffer=(str, ...)),
        create_model("Alias", x=(str, Field(alias="buffer"))),
        WithInit,
    ],
)
def test_anything_else_does(annotation: Any) -> None:
    """A type that may keep a document, and user code that is called with one, may see it."""
    assert sees(annotation)
    assert sees(list[annotation])
    assert sees(Inner | annotation)


@pytest.mark.parametrize("endpoint", ["jacobian", "jacobian_vector_product"])
def test_payloads_of_gradients_do_not(endpoint: str, runtime: Callable[..., Runtime]) -> None:
    """Vectors of gradients are arrays, too, as large as inputs."""
    made = runtime(DIFFERENTIABLE, gradient_backend="finite-differences")
    payload = made.bound(endpoint).payload
    assert payload is not None
    assert not sees_raw_documents(payload)
