"""The payload of the check: that of `apply`."""

from __future__ import annotations

from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.calls.invocation import read_payload


def inputs_of(runtime: Runtime, body: bytes, format_name: str) -> BaseModel:
    """Return the validated inputs of a payload of `apply`.

    Raises `UnreadableDocument` and `InvalidPayload` as calls of `apply` do.
    """
    endpoint = runtime.bound("apply")
    format_ = runtime.catalog.formats.find(format_name)
    inputs: BaseModel = read_payload(endpoint, body, format_, runtime.scope()).inputs
    return inputs
