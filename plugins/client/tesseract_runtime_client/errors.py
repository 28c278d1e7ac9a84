"""What a call raises when it gives no result; the same wherever the Tesseract runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from runtime_core.calls import fault_detail
from runtime_core.contracts import Fault
from runtime_core.errors import InvalidPayload, TesseractRuntimeError

_UNPROCESSABLE = 422


class ValidationError(InvalidPayload, ValueError):
    """A payload was refused; `errors()` lists its faults as the one of pydantic does.

    `run_id` is the id that the run would have had.

    >>> fault = {"type": "missing", "loc": ["body", "inputs", "x"], "msg": "Field required"}
    >>> print(ValidationError([fault], "fit-7"))
    body.inputs.x: Field required
    """

    def __init__(self, details: Sequence[Mapping[str, Any]], run_id: str | None) -> None:
        super().__init__(details)
        self.run_id = run_id

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.details, self.run_id)

    def errors(self) -> list[dict[str, Any]]:
        """Return `type`, `loc`, `msg` and, where there are any, `ctx` and `input` of each fault."""
        return [{**detail, "loc": tuple(detail["loc"])} for detail in self.details]

    def error_count(self) -> int:
        """Return the number of faults."""
        return len(self.details)


class TesseractFailed(TesseractRuntimeError, RuntimeError):
    """A call was made and failed.

    `status` is that of the answer over HTTP, `run_id` names the run in logs, if there was one, and
    `trace` is the traceback of the author's code where that is told.

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


class Unreachable(TesseractRuntimeError, ConnectionError):
    """A Tesseract cannot be reached, or the connection to it broke; nothing is tried again."""


class NoReference(TesseractRuntimeError):
    """A Tesseract has no address that a document could name it by."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer other than a result: `detail` is the one of its body over HTTP."""

    status: int
    detail: Any
    run_id: str | None
    trace: str = ""

    @classmethod
    def of(cls, fault: Fault, run_id: str) -> Refusal:
        """Return the refusal that a fault is over HTTP."""
        detail = from_json(to_json(fault_detail(fault), inf_nan_mode="strings"))
        status = fault.outcome.status
        return cls(status=status, detail=detail, run_id=run_id, trace=fault.trace)

    def error(self) -> ValidationError | TesseractFailed:
        """Return the exception that tells of it."""
        if self.status == _UNPROCESSABLE and isinstance(self.detail, list):
            return ValidationError(self.detail, self.run_id)
        return TesseractFailed(self._message(), self.status, self.run_id, self.trace)

    def _message(self) -> str:
        told = self.detail.get("message") if isinstance(self.detail, dict) else self.detail
        return str(told or f"the server answered with status {self.status}")
