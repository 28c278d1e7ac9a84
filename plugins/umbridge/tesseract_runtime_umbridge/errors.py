"""The errors of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime_core.contracts import Fault
from runtime_core.errors import FaultKind

_UNUSABLE = 400
_CALLERS = 500
"""The status from which on a fault is not the caller's."""


class UmbridgeError(Exception):
    """A call that cannot be answered, with its type in the protocol and its HTTP status."""

    def __init__(self, type_: str, message: str, status: int = _UNUSABLE) -> None:
        super().__init__(message)
        self.type = type_
        self.status = status

    @property
    def document(self) -> Mapping[str, Any]:
        """The body of the answer."""
        return {"error": {"type": self.type, "message": str(self)}}


class InvalidInput(UmbridgeError):
    """A request that does not fit the model."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidInput", message)


class Unsupported(UmbridgeError):
    """A request for an action that the model does not have."""

    def __init__(self, message: str) -> None:
        super().__init__("UnsupportedFeature", message)


def error_of(fault: Fault) -> UmbridgeError:
    """Return the fault of an endpoint as an error of the protocol."""
    lines = [f"{_place(each)}: {each['msg']}" for each in fault.details]
    message = "\n".join(lines) or fault.message  # which has the lines too
    if fault.kind is FaultKind.UNKNOWN_NAME:
        return Unsupported(message)
    if fault.kind.status < _CALLERS:
        return InvalidInput(message)
    return UmbridgeError("ModelError", message, fault.kind.status)


def _place(detail: Mapping[str, Any]) -> str:
    return ".".join(map(str, detail.get("loc", ())))
