"""The endpoints of every Tesseract: apply, health and the two schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, RootModel

from runtime_core.contracts import Binding, BoundEndpoint, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Health(BaseModel):
    """Says that a Tesseract is there."""

    status: Literal["ok"] = "ok"


class JsonSchema(RootModel[dict[str, Any]]):
    """A JSON Schema."""


def bind_apply(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `apply(inputs)`."""
    apply = binding.function("apply")
    if isinstance(apply, Unavailable):
        return apply
    schemas = binding.schemas
    payload = schemas.payload(
        "ApplyInputSchema", inputs="Apply", doc="The input data to apply the Tesseract to."
    )
    result = schemas.result(
        "ApplyOutputSchema", outputs="Apply", doc="The output data of the Tesseract."
    )
    return BoundEndpoint(
        payload=payload,
        result=result,
        answer=_applied(apply),
        doc=apply.__doc__ or "",
        schema_extras={
            payload.__name__: schemas.input_extras,
            result.__name__: schemas.output_extras,
        },
    )


def bind_health(binding: Binding) -> BoundEndpoint:
    """Bind the answer that needs no Tesseract at all."""
    return BoundEndpoint(result=Health, answer=lambda _: Health())


def bind_input_schema(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the JSON Schema of what apply is asked."""
    apply = binding.endpoint("apply")
    if isinstance(apply, Unavailable):
        return apply
    payload = apply.payload
    assert payload is not None  # apply always has a payload
    return _schema_endpoint(payload)


def bind_output_schema(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the JSON Schema of what apply answers."""
    apply = binding.endpoint("apply")
    if isinstance(apply, Unavailable):
        return apply
    return _schema_endpoint(apply.result)


def _schema_endpoint(model: type[BaseModel]) -> BoundEndpoint:
    from runtime_core.arrays.json_schema import ArrayJsonSchema  # numpy, which health can spare

    return BoundEndpoint(
        result=JsonSchema,
        answer=lambda _: model.model_json_schema(schema_generator=ArrayJsonSchema),
    )


def _applied(apply: Callable[..., Any]) -> Callable[[Any], object]:
    return lambda payload: apply(payload.inputs)
