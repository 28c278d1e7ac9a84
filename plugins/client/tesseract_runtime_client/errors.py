"""The exceptions of calls, the same wherever the Tesseract runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pydantic_core import from_json, to_json

from runtime_core.calls import fault_detail
from runtime_core.contracts import Fault
from runtime_core.errors import InvalidPayload, TesseractRuntimeError, ValidationFaults

_NOT_FOUND = 404
_UNPROCESSABLE = 422


class ValidationError(ValidationFaults, InvalidPayload):
    """A payload was refused; `errors()` lists its faults, as of pydantic's `ValidationError`.

    `run_id` is the id that the run would have had.

    >>> fault = {"type": "missing", "loc": ["body", "inputs", "x"], "msg": "Field required"}
    >>> print(ValidationError.of([fault], "fit-7"))
    body.inputs.x: Field required
    """

    run_id: str | None = None

    @classmethod
    def of(cls, details: Sequence[Mapping[str, Any]], run_id: str | None = None) -> Self:
        """Make the error of some faults in a payload for a run."""
        error = super().of(details)
        error.run_id = run_id
        return error

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self).of, (self.details, self.run_id)


class TesseractFailed(TesseractRuntimeError, RuntimeError):
    """A call failed.

    `status` is that of the HTTP answer, `run_id` names the run in logs, if there was one, and
    `trace` is the traceback of the author's code, if the server reports it.

    >>> print(TesseractFailed("ZeroDivisionError: division by zero", 500, "fit-7"))
    ZeroDivisionError: division by zero (run fit-7)
    """

    def __init__(self, message: str, status: int, run_id: str | None, trace: str = "") -> None:
        super().__init__(message if run_id is None else f"{message} (run {run_id})")
        self.message = message
        self.status = status
        self.run_id = run_id
        self.trace = trace
        if trace:
            self.add_note(trace)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.message, self.status, self.run_id, self.trace)


class EndpointNotAvailable(TesseractFailed, NotImplementedError):
    """A Tesseract lacks an endpoint; programs for tesseract-core catch `NotImplementedError`."""


class Unreachable(TesseractRuntimeError, ConnectionError):
    """A Tesseract cannot be reached, or the connection broke; calls are never repeated."""


class NotSupported(TesseractRuntimeError, NotImplementedError):
    """A method of tesseract-core's client that this one does not have; it is a `RuntimeError`."""


class NoReference(TesseractRuntimeError):
    """A Tesseract has no address for a document to refer to."""


def failure(
    status: int, detail: Any, run_id: str | None, trace: str = ""
) -> ValidationError | TesseractFailed:
    """Return the exception for an HTTP answer without a result; `detail` is that of its body."""
    if status == _UNPROCESSABLE and isinstance(detail, list):
        return ValidationError.of(detail, run_id)
    told = detail.get("message") if isinstance(detail, dict) else detail
    message = str(told or f"the server answered with status {status}")
    kind = EndpointNotAvailable if status == _NOT_FOUND else TesseractFailed
    return kind(message, status, run_id, trace)


def failure_of(fault: Fault, run_id: str) -> ValidationError | TesseractFailed:
    """Return the exception for a fault, which is the same as over HTTP."""
    detail = from_json(to_json(fault_detail(fault), inf_nan_mode="strings"))
    return failure(fault.kind.status, detail, run_id, fault.trace)
