"""The endpoints of every Tesseract: apply, health and the two schemas."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, RootModel
from pydantic.json_schema import JsonSchemaMode

from runtime_core.calls.forward_states import is_wanted
from runtime_core.calls.scope import current
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable

if TYPE_CHECKING:
    from runtime_core.schemas import PayloadSchemas


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
        answer=lambda payload: apply(payload.inputs),
        check=partial(_note_shapes, schemas) if is_wanted() else None,
        doc=apply.__doc__ or "",
        schema_extras={
            payload.__name__: schemas.input_extras,
            result.__name__: schemas.output_extras,
        },
    )


def _note_shapes(schemas: PayloadSchemas, _: Any, result: Any) -> None:
    """Note the shapes of outputs with a state that is kept: a gradient need not apply again."""
    point = current().forward
    if point is not None and point.state is not None:
        leaves = schemas.differentiable_outputs.leaves(result.root)
        point.state.shapes = {path: tuple(array.shape) for path, array in leaves}


def bind_health(binding: Binding) -> BoundEndpoint:
    """Bind the answer that needs no Tesseract at all."""
    return BoundEndpoint(result=Health, answer=lambda _: Health())


def bind_input_schema(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the JSON Schema of the payload of `apply`."""
    return _schema_endpoint(binding, "payload", "validation")


def bind_output_schema(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the JSON Schema of the result of `apply`."""
    return _schema_endpoint(binding, "result", "serialization")


def _schema_endpoint(
    binding: Binding, part: Literal["payload", "result"], mode: JsonSchemaMode
) -> BoundEndpoint | Unavailable:
    from runtime_core.arrays.json_schema import ArrayJsonSchema  # numpy, which health can spare

    apply = binding.endpoint("apply")
    if isinstance(apply, Unavailable):
        return apply
    model: type[BaseModel] = getattr(apply, part)
    return BoundEndpoint(
        result=JsonSchema,
        answer=lambda _: model.model_json_schema(schema_generator=ArrayJsonSchema, mode=mode),
    )
