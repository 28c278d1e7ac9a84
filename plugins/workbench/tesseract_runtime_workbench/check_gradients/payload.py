"""The payload of the check: that of `apply`."""

from __future__ import annotations

from pydantic import BaseModel

from runtime_core import Runtime, documents, scope
from runtime_core.answering import validated


def inputs_of(runtime: Runtime, body: bytes, format_name: str) -> BaseModel:
    """Return the validated inputs of a payload of `apply`.

    Raises `UnreadableDocument` and `InvalidPayload` as calls of `apply` do.
    """
    endpoint = runtime.bound("apply")
    with scope.enter(runtime.scope()) as reading:
        tree = documents.read(body, runtime.catalog.formats.find(format_name))
        payload = validated(endpoint, tree, reading.options)
    inputs: BaseModel = payload.inputs
    return inputs
