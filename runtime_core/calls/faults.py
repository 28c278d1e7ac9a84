"""Turning exceptions into faults, which are plain data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from runtime_core.calls.first_faults import MOST_FAULTS
from runtime_core.contracts import EncodedArray, Fault
from runtime_core.errors import (
    FaultKind,
    InvalidDefault,
    InvalidPayload,
    MemoryExceeded,
    TesseractRuntimeError,
    UnreadableDocument,
    WorkerDied,
    fault_lines,
    number_text,
    shortened,
)
from runtime_core.message_texts import exception_text, own_text, unicode_text
from runtime_core.secret_fields import Secrets, secrets_of
from runtime_core.tesseract.tracebacks import author_trace

_SHORT = 80


def fault_of(error: TesseractRuntimeError, place: str = "") -> Fault:
    """Return the fault of an error of the runtime; `place` is its cause's in the author's code."""
    if isinstance(error, RaisedFault):
        return error.fault
    details = error.details if isinstance(error, InvalidPayload | UnreadableDocument) else ()
    cause = error.__cause__
    output = error.output if isinstance(error, WorkerDied) else ""
    trace = unicode_text(author_trace(cause) if cause is not None else output)
    message = _placed(own_text(error) or exception_text(error), place)
    return Fault(kind=error.kind, message=message, details=details, trace=trace)


def fault_detail(fault: Fault) -> Any:
    """Return the `detail` of a fault over HTTP: its text, or a list for a payload, as in FastAPI.

    >>> from runtime_core.errors import UnreadableDocument
    >>> fault_detail(fault_of(UnreadableDocument("not JSON")))
    [{'type': 'document_invalid', 'loc': ['body'], 'msg': 'not JSON'}]
    """
    kind = _DETAIL_TYPES.get(fault.kind)
    if kind is None:
        return fault.message
    details = fault.details or [{"type": kind, "loc": [], "msg": fault.message}]
    return [_located(detail) for detail in details]


_DETAIL_TYPES = {
    FaultKind.INVALID_PAYLOAD: "value_error",
    FaultKind.UNREADABLE_DOCUMENT: "document_invalid",
}


def concerns_payload(kind: FaultKind) -> bool:
    """Check whether faults of a kind are about a document that the caller has sent."""
    return kind in _DETAIL_TYPES


def _located(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fault of a payload with its place in the request."""
    place = list(detail["loc"])
    return {**detail, "loc": place if place[:1] in (["query"], ["header"]) else ["body", *place]}


def author_fault(error: BaseException, place: str = "") -> Fault:
    """Return the fault of an exception in the author's code, with the frames of that code.

    `place` is that of the deepest frame.

    >>> author_fault(ValueError("too stiff"), "tesseract_api.py:14 in apply").message
    'ValueError: too stiff (tesseract_api.py:14 in apply)'
    """
    return Fault(
        kind=FaultKind.TESSERACT_FAILED,
        message=_placed(exception_text(error), place),
        trace=unicode_text(author_trace(error)),
    )


def _placed(text: str, place: str) -> str:
    """Append a place in the author's code to a message."""
    separator = "\n" if "\n" in text else " "
    return f"{text}{separator}({place})" if place else text


class RaisedFault(TesseractRuntimeError):
    """A fault of another process, raised in this one."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.kind = fault.kind
        self.fault = fault


def invalid_payload(error: ValidationError, schema: Any) -> InvalidPayload:
    """Return the faults that pydantic found in a value of a schema.

    Each has a summary of its value, unless that may be a secret.
    """
    found = error.errors(include_url=False)
    # Defaults are not faults of a payload: its sender can correct only the others.
    faults = [fault for fault in found if fault["type"] != InvalidDefault.fault_type] or found
    secrets = secrets_of(schema)
    details = [_without_secret(_detail(fault), secrets) for fault in faults[:MOST_FAULTS]]
    if len(faults) > len(details):
        details.append({"type": "more_faults", "loc": [], "msg": "There are more faults."})
    return InvalidPayload(details)


def _without_secret(detail: Mapping[str, Any], secrets: Secrets) -> Mapping[str, Any]:
    """Leave out the value of a fault that is a secret, or has a misspelt name beside one."""
    is_misspelt = bool(secrets) and detail["type"] == "extra_forbidden"
    if secrets.whole or is_misspelt or not secrets.names.isdisjoint(detail["loc"]):
        return {key: value for key, value in detail.items() if key != "input"}
    return detail


def invalid_default(error: ValidationError) -> InvalidDefault | None:
    """Return the fault of a value whose only faults are defaults of its schema."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if any(fault["type"] != InvalidDefault.fault_type for fault in faults):
        return None
    return InvalidDefault("\n".join(dict.fromkeys(fault["msg"] for fault in faults)))


def memory_exceeded(error: InvalidPayload) -> MemoryExceeded | None:
    """Return the refusal of the first array that takes too much memory, if all else is valid."""
    if any(detail["type"] != MemoryExceeded.fault_type for detail in error.details):
        return None
    return MemoryExceeded(fault_lines(error.details[:1]))


def _detail(fault: Any) -> Mapping[str, Any]:
    place = [_step(step) if isinstance(step, str) else step for step in fault["loc"]]
    detail = {"type": fault["type"], "loc": place, "msg": fault["msg"]}
    if "input" in fault:
        detail["input"] = summary(fault["input"])
    if fault.get("ctx") is not None:
        detail["ctx"] = {key: _plain(value) for key, value in fault["ctx"].items()}
    return detail


def _step(step: str) -> str:
    """Return a step of a place; a member of a union is named by its class, not by validators."""
    return shortened(_VALIDATOR.sub(r"\1", step), _SHORT)


_VALIDATOR = re.compile(r"function-wrap\[(.+?)\(\)\]")


def summary(value: Any) -> Any:
    """Return a small plain value unchanged, and one line about anything larger.

    >>> summary(3), summary([1.0, 2.0]), summary({"shape": [2], "dtype": "int8", "data": {}})
    (3, 'list of 2 items', "object with keys 'shape', 'dtype', 'data'")
    """
    if isinstance(value, int) and abs(value) >= 2**64:
        return number_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= _SHORT else f"{value[:_SHORT]}... ({len(value)} characters)"
    if isinstance(value, list | tuple):
        return f"list of {len(value)} items"
    if isinstance(value, Mapping):
        keys = ", ".join(repr(str(key))[:40] for key in list(value)[:8])
        return f"object with keys {keys}" if value else "empty object"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"array of shape {tuple(value.shape)} and dtype {value.dtype}"
    if isinstance(value, EncodedArray):
        return summary(value.document(value.buffer))
    if isinstance(value, memoryview):
        return f"{value.nbytes} bytes"
    name = type(value).__name__
    return "object" if name.startswith("_") else f"{name} object"


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
