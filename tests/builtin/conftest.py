"""Tesseracts with their own gradients, and calls that expect an answer or a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from runtime_core import Call, Fault, Reply, Runtime, Wire

Make = Callable[..., Runtime]

JACOBIAN = "jacobian"
JVP = "jacobian_vector_product"
VJP = "vector_jacobian_product"
GRADIENTS = (JACOBIAN, JVP, VJP)

PREFIXES = MappingProxyType({JACOBIAN: "jac", JVP: "jvp", VJP: "vjp"})
"""How the names of the keys begin that say what to differentiate."""

HEADER = """
from typing import Annotated, Any
import numpy as np
from pydantic import BaseModel, Field, RootModel, computed_field
from pydantic import field_serializer, field_validator, model_validator
from runtime_core import (
    Array, Complex64, Differentiable, Float32, Float64, Int32, Int64, ShapeDType
)

SEEN = []
APPLIED = []
"""
"""The beginning of Tesseracts; `SEEN` and `APPLIED` are for what their functions saw."""

IDENTITY = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    APPLIED.append(inputs)
    return {"y": inputs.x}

def jacobian(**named):
    SEEN.append(named)
    return {"y": {"x": np.eye(named["inputs"].x.size)}}

def jacobian_vector_product(**named):
    SEEN.append(named)
    return {"y": named["tangent_vector"]["x"]}

def vector_jacobian_product(**named):
    SEEN.append(named)
    return {"x": named["cotangent_vector"]["y"]}
"""
)
"""A Tesseract whose y is its x, with every gradient."""


def returning(value: str, endpoint: str) -> str:
    """Return the source of a gradient function that returns the value of an expression."""
    return f"\ndef {endpoint}(inputs, **named):\n    return {value}\n"


def ask(
    endpoint: str,
    inputs: Any,
    *,
    of: Any = ("y",),
    by: Any = ("x",),
    vector: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the payload that asks for derivatives of outputs by inputs.

    A vector that is not given is one number, which fits every vector of length 1.
    """
    prefix = PREFIXES[endpoint]
    payload = {"inputs": inputs, f"{prefix}_inputs": list(by), f"{prefix}_outputs": list(of)}
    if endpoint == JVP:
        payload["tangent_vector"] = {path: [1.0] for path in by} if vector is None else vector
    if endpoint == VJP:
        payload["cotangent_vector"] = {path: [1.0] for path in of} if vector is None else vector
    return payload


def invoke(runtime: Runtime, endpoint: str, payload: Any) -> Reply:
    """Return the reply to a call in JSON."""
    return runtime.invoke(
        Call(
            endpoint=endpoint,
            run_id="descent-3",
            body=json.dumps(payload).encode(),
            body_format="json",
            output=Wire(format="json"),
        )
    )


def answer(runtime: Runtime, endpoint: str, payload: Any) -> Any:
    """Return the document of a call that must not fail."""
    reply = invoke(runtime, endpoint, payload)
    assert reply.fault is None, reply.fault.message
    return json.loads(b"".join(reply.body))


def fault(runtime: Runtime, endpoint: str, payload: Any) -> Fault:
    """Return the fault of a call that must fail."""
    reply = invoke(runtime, endpoint, payload)
    assert reply.fault is not None
    assert list(reply.body) == []
    return reply.fault


def numbers(tree: Any) -> Any:
    """Return the numbers of every array document in a tree, in its place."""
    if "dtype" in tree:
        return tree["data"]["buffer"]
    return {key: numbers(value) for key, value in tree.items()}


def seen(runtime: Runtime) -> list[Any]:
    """Return the calls that the functions of the Tesseract have recorded."""
    return list(runtime.api.module.SEEN)


def times_applied(runtime: Runtime) -> int:
    """Return the number of calls of `apply`."""
    return len(runtime.api.module.APPLIED)
