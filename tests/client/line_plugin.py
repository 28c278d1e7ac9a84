"""A plugin of a third party: two endpoints and a gradient backend, on public names alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, Field

from runtime_core.contracts import (
    Binding,
    BoundEndpoint,
    Endpoint,
    GradientBackend,
    Settings,
    Unavailable,
)
from runtime_core.hookspecs import hookimpl


class StepSettings(BaseModel):
    """The option --complex-step-size."""

    size: float = Field(1e-30, gt=0)


def bind_line(binding: Binding) -> BoundEndpoint:
    """Bind the values of outputs along a line of inputs."""
    from runtime_core.arrays import GradientArray
    from runtime_core.gradients import Point, evaluate_all, tangent_field, vector_at

    class LineOutputSchema(BaseModel):
        values: list[dict[str, GradientArray]]
        run_id: str
        has_deadline: bool
        trace: str

    def answer(
        payload: Any, run_id: str, deadline: float | None, metadata: Mapping[str, str]
    ) -> Any:
        here = vector_at(payload.inputs, payload.along)
        points = [
            Point(changes={path: a + step * payload.direction[path] for path, a in here.items()})
            for step in payload.steps
        ]
        with binding.evaluations(payload.inputs) as evaluations:
            found = [values for _, values in evaluate_all(evaluations, points, payload.outputs)]
        facts = {"run_id": run_id, "has_deadline": deadline is not None}
        return {"values": found, "trace": metadata.get("traceparent", ""), **facts}

    schemas = binding.schemas
    return BoundEndpoint(
        payload=schemas.payload(
            "LineInputSchema",
            inputs="Line",
            along=schemas.differentiable_inputs.paths_of_inputs("Inputs that move."),
            outputs=schemas.differentiable_outputs.paths_of_outputs("Outputs to return."),
            direction=tangent_field(schemas, "along"),
            steps=(list[float], Field(min_length=1)),
        ),
        result=LineOutputSchema,
        answer=answer,
    )


class PullbacksInputSchema(BaseModel):
    """Points, and the weights of the outputs at each of them."""

    points: list[dict[str, Any]]
    weights: dict[str, Any]
    of: list[str]


def bind_pullbacks(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the pullbacks of the same weights at many points."""
    from runtime_core.arrays import GradientArray

    vjp = binding.endpoint("vector_jacobian_product")
    if isinstance(vjp, Unavailable):
        return vjp

    class PullbacksOutputSchema(BaseModel):
        pullbacks: list[dict[str, GradientArray]]

    def answer(payload: Any) -> Any:
        places = {"cotangent_vector": "weights", "vjp_inputs": "of"}
        return {
            "pullbacks": [
                binding.compute(
                    "vector_jacobian_product",
                    {
                        "inputs": point,
                        "vjp_inputs": payload.of,
                        "vjp_outputs": [*payload.weights],
                        "cotangent_vector": payload.weights,
                    },
                    places={"inputs": f"points.[{number}]", **places},
                ).root  # type: ignore[attr-defined]  # its result is a RootModel
                for number, point in enumerate(payload.points)
            ]
        }

    return BoundEndpoint(payload=PullbacksInputSchema, result=PullbacksOutputSchema, answer=answer)


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide both endpoints."""
    yield Endpoint(name="line", summary="Compute outputs along a line.", bind=bind_line)
    yield Endpoint(name="pullbacks", summary="Pull weights back.", bind=bind_pullbacks)


def provide(
    endpoint: str, binding: Binding, body: Any, settings: Mapping[str, Any]
) -> Callable[..., Any] | Unavailable:
    """Return the derivative along a tangent by a complex step."""
    if endpoint != "jacobian_vector_product":
        return Unavailable("it computes jacobian_vector_product only.")
    from runtime_core.gradients import vector_at

    size = settings["complex_step"].size
    own_body = None if body.__name__ == "apply" else body

    def jacobian_vector_product(
        inputs: Any, jvp_inputs: set[str], jvp_outputs: set[str], tangent_vector: Any
    ) -> Any:
        here = vector_at(inputs, jvp_inputs)
        moved = {path: a + 1j * size * tangent_vector[path] for path, a in here.items()}
        found = binding.trace(inputs, own_body)(moved, jvp_outputs)
        return {path: value.imag / size for path, value in found.items()}

    return jacobian_vector_product


@hookimpl
def gradient_backends() -> Iterable[GradientBackend]:
    """Provide gradients by complex steps (Squire and Trapp, 1998)."""
    yield GradientBackend(
        name="complex-step",
        summary="Complex steps.",
        provide=provide,
        bodies=("apply_complex", "apply"),
    )


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the size of the step."""
    yield Settings(name="complex_step", summary="Complex steps.", load=lambda: StepSettings)
