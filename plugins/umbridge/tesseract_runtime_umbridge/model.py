"""A served Tesseract as a model of UM-Bridge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json, to_json

from runtime_core.contracts import Call, ServerContext, Wire
from runtime_core.paths import Field, InvalidPath, get
from runtime_core.run_logs import new_run_id, run_name
from tesseract_runtime_umbridge.array_fields import ArrayField, Shape, input_fields, output_fields
from tesseract_runtime_umbridge.errors import InvalidInput, error_of
from tesseract_runtime_umbridge.requests import (
    ApplyHessian,
    ApplyJacobian,
    Evaluate,
    Gradient,
    Question,
)

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "Evaluate": "apply",
        "Gradient": "vector_jacobian_product",
        "ApplyJacobian": "jacobian_vector_product",
        "ApplyHessian": "hessian_vector_product",
    }
)
"""The actions of a model, and the endpoints that compute them."""

_OUTPUT = Wire(format="json", array_encoding="base64")

Arrays = dict[str, dict[str, Any]]
"""Documents of arrays by their paths."""


class Model:
    """Answers requests by calls of the endpoints; every error is an `UmbridgeError`."""

    def __init__(self, server: ServerContext) -> None:
        schemas = server.description.openapi["components"]["schemas"]
        served = {endpoint.name for endpoint in server.description.endpoints}
        self.support = {action: endpoint in served for action, endpoint in ACTIONS.items()}
        self._server = server
        self._inputs = input_fields(schemas)
        self._outputs = output_fields(schemas)
        self._describes_outputs = "abstract_eval" in served

    async def input_sizes(self, question: Question) -> list[int]:
        """Return the lengths of the inputs."""
        return [math.prod(shape) for shape in self._input_shapes(question.config)]

    async def output_sizes(self, question: Question) -> list[int]:
        """Return the lengths of the outputs."""
        return [math.prod(shape) for shape in await self._output_shapes(question)]

    async def evaluate(self, request: Evaluate) -> list[list[float]]:
        """Return the outputs."""
        outputs = await self._call("apply", {"inputs": self._point(request)})
        return [field.vector(get(outputs, field.path)) for field in self._outputs]

    async def gradient(self, request: Gradient) -> list[float]:
        """Return the gradient of a weighted output."""
        field = _numbered(self._inputs, request.in_wrt, "inWrt")
        payload = {
            "inputs": self._point(request),
            "vjp_inputs": [field.name],
            **await self._weighted(request, request.sens, "vjp_outputs"),
        }
        return field.vector((await self._call("vector_jacobian_product", payload))[field.name])

    async def apply_jacobian(self, request: ApplyJacobian) -> list[float]:
        """Return the derivative of an output along a direction."""
        field = _numbered(self._outputs, request.out_wrt, "outWrt")
        tangent = self._direction(request, request.in_wrt, "inWrt")
        payload = {
            "inputs": self._point(request),
            "jvp_inputs": [*tangent],
            "jvp_outputs": [field.name],
            "tangent_vector": tangent,
        }
        return field.vector((await self._call("jacobian_vector_product", payload))[field.name])

    async def apply_hessian(self, request: ApplyHessian) -> list[float]:
        """Return the derivative of the gradient by one input along a direction of another."""
        field = _numbered(self._inputs, request.in_wrt, "inWrt1")
        tangent = self._direction(request, request.direction_wrt, "inWrt2")
        if field.name not in tangent:  # the point moves along the second input alone
            shape = self._input_shapes(request.config, request.input)[request.in_wrt]
            tangent[field.name] = field.document([0.0] * math.prod(shape), shape)
        payload = {
            "inputs": self._point(request),
            "hvp_inputs": [*tangent],
            **await self._weighted(request, request.sens, "hvp_outputs"),
            "tangent_vector": tangent,
        }
        return field.vector((await self._call("hessian_vector_product", payload))[field.name])

    def _point(self, request: Evaluate) -> dict[str, Any]:
        """Return the inputs: those of `config`, with the vectors in their places."""
        inputs = dict(request.config)
        shapes = self._input_shapes(request.config, request.input)
        for field, vector, shape in zip(self._inputs, request.input, shapes, strict=True):
            _put(inputs, field.path, field.document(vector, shape))
        return inputs

    def _input_shapes(
        self, config: Mapping[str, Any], vectors: Sequence[Sequence[float]] | None = None
    ) -> list[Shape]:
        if vectors is not None and len(vectors) != len(self._inputs):
            raise InvalidInput(
                f"The model has {len(self._inputs)} inputs, {_names(self._inputs)}, instead of "
                f"{len(vectors)}."
            )
        lengths = [None] * len(self._inputs) if vectors is None else map(len, vectors)
        return [
            _known(field, field.shape(length, _found(config, field.path)))
            for field, length in zip(self._inputs, lengths, strict=True)
        ]

    async def _output_shapes(self, question: Question) -> list[Shape]:
        """Return the shapes of the outputs, which may depend on those of the inputs."""
        shapes = [field.shape(None, None) for field in self._outputs]
        if None not in shapes:
            return [shape for shape in shapes if shape is not None]
        if not self._describes_outputs:
            free = [f for f, shape in zip(self._outputs, shapes, strict=True) if shape is None]
            raise InvalidInput(
                f"The sizes of {_names(free)} are not known: give them in the schema, or define "
                "`abstract_eval`."
            )
        vectors = question.input if isinstance(question, Evaluate) else None
        inputs = dict(question.config)
        found = self._input_shapes(question.config, vectors)
        for field, shape in zip(self._inputs, found, strict=True):
            _put(inputs, field.path, {"shape": shape, "dtype": field.dtype})
        abstract = await self._call("abstract_eval", {"inputs": inputs})
        return [tuple(get(abstract, field.path)["shape"]) for field in self._outputs]

    def _direction(self, request: ApplyJacobian | ApplyHessian, number: int, name: str) -> Arrays:
        field = _numbered(self._inputs, number, name)
        shape = self._input_shapes(request.config, request.input)[number]
        return {field.name: field.document(_fitting(request.vec, shape, "vec"), shape)}

    async def _weighted(
        self, request: Gradient | ApplyHessian, sens: Sequence[float], outputs: str
    ) -> dict[str, Any]:
        """Return the weighted output as members of a payload."""
        field = _numbered(self._outputs, request.out_wrt, "outWrt")
        shape = field.shape(len(sens), None)
        if shape is None:  # several sizes are free
            shape = (await self._output_shapes(request))[request.out_wrt]
        weights = field.document(_fitting(sens, shape, "sens"), shape)
        return {outputs: [field.name], "cotangent_vector": {field.name: weights}}

    async def _call(self, endpoint: str, payload: Mapping[str, Any]) -> Any:
        run_id = new_run_id()
        call = Call(
            endpoint=endpoint,
            run_id=run_id,
            new_run=True,
            body=to_json(payload),
            body_format="json",
            output=_OUTPUT,
            output_path=self._server.config.output_path,
            output_folder=run_name(run_id),
        )
        async with self._server.call(call) as reply:
            if reply.fault is not None:
                raise error_of(reply.fault)
            return from_json(b"".join(reply.body))


def _numbered(fields: Sequence[ArrayField], number: int, name: str) -> ArrayField:
    if number >= len(fields):
        raise InvalidInput(
            f"{name} is {number}, and must be less than {len(fields)}: the model has "
            f"{_names(fields)}."
        )
    return fields[number]


def _known(field: ArrayField, shape: Shape | None) -> Shape:
    if shape is None:
        raise InvalidInput(
            f"The shape of {field.name!r} is not known: give an array of its shape in `config`, "
            'such as {"x": [0, 0]}.'
        )
    return shape


def _fitting(vector: Sequence[float], shape: Shape, name: str) -> Sequence[float]:
    if len(vector) != math.prod(shape):
        raise InvalidInput(f"{name} has {len(vector)} numbers instead of {math.prod(shape)}.")
    return vector


def _names(fields: Sequence[ArrayField]) -> str:
    return ", ".join(field.name for field in fields) or "none"


def _found(tree: Any, path: Sequence[Field]) -> Any:
    """Return the value at a path of an incomplete tree, or `None`."""
    with suppress(InvalidPath):
        return get(tree, tuple(path))
    return None


def _put(tree: dict[str, Any], path: Sequence[Field], value: Any) -> None:
    """Put a value into a tree, whose dicts on the way are copied or made."""
    *way, last = path
    for step in way:
        inner = tree.get(step.name)
        tree[step.name] = tree = dict(inner) if isinstance(inner, Mapping) else {}
    tree[last.name] = value
