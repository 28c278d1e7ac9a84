"""The calls of conformance suites, in bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from runtime_core import documents
from runtime_core.calls import scope
from runtime_core.contracts import Call, Wire
from runtime_core.run_logs.run import new_run_id
from runtime_core.runtime import Runtime

PLUS_ONE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    if inputs.x[0] < 0:
        raise ValueError("no mesh")
    return OutputSchema(y=inputs.x + 1)
"""
"""A Tesseract that adds 1 to a vector, and fails if that begins with a negative number."""


def call_of(payload: Any, **facts: Any) -> Call:
    """Return a call of `apply` with a payload in JSON; `facts` are fields that differ."""
    call = Call(
        endpoint="apply",
        run_id=new_run_id(),
        body=json.dumps(payload).encode(),
        body_format="json",
        output=Wire(format="json"),
        new_run=True,
    )
    return replace(call, **facts)


def result_of(runtime: Runtime, call: Call) -> str:
    """Return the result of a call, read from its document, in JSON."""
    reply = runtime.invoke(call)
    assert reply.fault is None, reply.fault.message
    with scope.enter(runtime.scope()):
        tree = documents.read(b"".join(reply.body), runtime.catalog.formats.find(reply.format))
    model = runtime.bound(call.endpoint).result
    return model.model_validate(tree, context={"base_dir": call.output_path}).model_dump_json()
