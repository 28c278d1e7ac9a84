"""The errors of the runtime, one class per kind of fault.

Each class has a `FaultKind`, with its HTTP status and its exit code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from errno import EDQUOT, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC
from typing import Any, Self

from pydantic_core import PydanticCustomError
from pydantic_core import ValidationError as PydanticValidationError

from runtime_core.fault_kinds import FaultKind
from runtime_core.message_texts import (
    did_you_mean,
    fault_lines,
    listed,
    number_text,
    shortened,
)

__all__ = [
    "AuthorError", "BodyTooLarge", "CallerGone", "CutShort", "ExecutorFailed", "FaultKind",
    "FileRefused", "GradientFailed", "InvalidDefault", "InvalidItem", "InvalidOption",
    "InvalidPayload", "InvalidResult", "InvalidTesseract", "MemoryExceeded", "MissingFile",
    "NotWritten", "PluginFailed", "PluginFault", "QueueFull", "RunActive",
    "RunNotLogged", "ShuttingDown", "SlowBody", "TesseractRuntimeError", "TimedOut", "UnknownName",
    "UnreadableDocument", "ValidationFaults", "WorkerDied", "WorkersLost", "did_you_mean",
    "fault_lines", "listed", "number_text", "shortened",
]  # fmt: skip


class TesseractRuntimeError(Exception):
    """The base of all errors that the runtime raises on purpose, with a text for the user."""

    kind = FaultKind.TESSERACT_FAILED


class UnreadableDocument(TesseractRuntimeError):
    """The bytes of a document do not follow its format.

    `details` has a fault with its position as `loc`, like those of `InvalidPayload`, if the format
    reports one.
    """

    kind = FaultKind.UNREADABLE_DOCUMENT

    def __init__(self, message: str, details: Sequence[Mapping[str, Any]] = ()) -> None:
        self.details = tuple(details)
        super().__init__(message)


class InvalidPayload(TesseractRuntimeError):
    """A payload does not fit its schema; `details` lists all of its faults.

    Each detail has the keys of pydantic, `{"type", "loc", "msg", "input", "ctx"}`, with a summary
    as `input`.
    """

    kind = FaultKind.INVALID_PAYLOAD

    def __init__(self, details: Sequence[Mapping[str, Any]]) -> None:
        self.details = tuple(details)
        super().__init__(fault_lines(self.details))


class ValidationFaults(TesseractRuntimeError, PydanticValidationError):
    """Faults of a document, for code that catches pydantic's `ValidationError`; make it by `of`."""

    details: tuple[Mapping[str, Any], ...]

    def __init__(self, *_: object) -> None:
        """Leave everything to pydantic, which makes its errors from arguments of its own."""

    @classmethod
    def of(cls, details: Sequence[Mapping[str, Any]]) -> Self:
        """Make the error of some faults, each with `type`, `loc`, `msg`, `input` and `ctx`.

        >>> str(InvalidItem.of([{"type": "missing", "loc": ["x"], "msg": "Field required"}]))
        'x: Field required'
        """
        error = cls.from_exception_data("document", [line_error(detail) for detail in details])
        error.details = tuple(details)
        return error

    def __str__(self) -> str:
        return fault_lines(self.details)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.details,)


class InvalidItem(ValidationFaults, InvalidPayload):
    """A lazily read part of a payload does not fit its schema."""


class InvalidOption(TesseractRuntimeError):
    """An option of the command line, the environment or a call has an invalid value."""

    kind = FaultKind.INVALID_OPTION


class UnknownName(TesseractRuntimeError):
    """A name is unknown or unusable."""

    kind = FaultKind.UNKNOWN_NAME


class MissingFile(TesseractRuntimeError):
    """A file that the user named does not exist or cannot be read."""

    kind = FaultKind.MISSING_FILE


class NotWritten(TesseractRuntimeError):
    """A result cannot be written."""

    kind = FaultKind.NOT_WRITTEN


class RunActive(TesseractRuntimeError):
    """A call has the id of a run that has not ended."""

    kind = FaultKind.RUN_ACTIVE

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id!r} has not ended: wait for it, or name this run with another run_id."
        )


class RunNotLogged(TesseractRuntimeError):
    """A run cannot be logged, and `--log-to-strict` requires it."""

    kind = FaultKind.RUN_NOT_LOGGED


class FileRefused(TesseractRuntimeError):
    """A payload names a file that its sender is not allowed to read."""

    kind = FaultKind.INVALID_PAYLOAD


class InvalidTesseract(TesseractRuntimeError):
    """A `tesseract_api.py` cannot be loaded, or lacks a required name."""

    kind = FaultKind.LOAD_FAILED


class InvalidResult(TesseractRuntimeError):
    """A function of the Tesseract returned a value that does not fit its schema."""


class InvalidDefault(TesseractRuntimeError):
    """A call uses a default that does not fit its own field of the schema."""

    fault_type = "invalid_default"  # of the error in pydantic


class GradientFailed(TesseractRuntimeError):
    """A gradient cannot be computed at these inputs."""


class WorkerDied(TesseractRuntimeError):
    """The process that computed a call ended before it answered.

    `output` is the end of what it printed, which may name files of the machine.
    """

    kind = FaultKind.WORKER_DIED

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class WorkersLost(TesseractRuntimeError):
    """No worker is left, and none can be started."""

    kind = FaultKind.WORKERS_LOST


class ExecutorFailed(TesseractRuntimeError):
    """An executor does not answer, or its processes cannot compute this Tesseract."""

    kind = FaultKind.WORKERS_LOST


class TimedOut(TesseractRuntimeError):
    """A call exceeded its time limit and was aborted."""

    kind = FaultKind.TIMED_OUT


class QueueFull(TesseractRuntimeError):
    """The queue of waiting calls is full."""

    kind = FaultKind.QUEUE_FULL


SCARCITY = frozenset({ENOMEM, ENFILE, EMFILE, ENOBUFS, ENOSPC, EDQUOT})
"""The numbers of errors of a system that has nothing left, which passes."""


def exhausted(error: OSError) -> QueueFull:
    """Return the error of a call for which no file can be opened, or no memory is left.

    >>> import errno, os
    >>> str(exhausted(OSError(errno.EMFILE, os.strerror(errno.EMFILE))))
    'The server has no resources left for this call (Too many open files). Try again later.'
    """
    return QueueFull(
        f"The server has no resources left for this call ({error.strerror}). Try again later."
    )


class BodyTooLarge(TesseractRuntimeError):
    """The body of a request exceeds the limit of the server."""

    kind = FaultKind.BODY_TOO_LARGE


class MemoryExceeded(TesseractRuntimeError):
    """A call asks for arrays of more bytes than `--memory-limit` allows."""

    kind = FaultKind.MEMORY_EXCEEDED
    fault_type = "memory_exceeded"  # of the error in pydantic


class SlowBody(TesseractRuntimeError):
    """The body of a request stopped arriving."""

    kind = FaultKind.SLOW_BODY


class CallerGone(TesseractRuntimeError):
    """The caller no longer waits for the answer."""

    kind = FaultKind.CALLER_GONE


class CutShort(TesseractRuntimeError):
    """A call was aborted at the end of its server; it may have begun."""

    kind = FaultKind.CUT_SHORT


class ShuttingDown(TesseractRuntimeError):
    """The server is shutting down and accepts no calls."""

    kind = FaultKind.SHUTTING_DOWN


class PluginFault(TesseractRuntimeError):
    """A plugin that was requested, or that is required to work, is unusable."""

    kind = FaultKind.INVALID_OPTION


class PluginFailed(PluginFault):
    """A callable of a plugin raised or returned what its contract forbids.

    The text up to the first `": "` is the same for all failures of one callable.
    """

    kind = FaultKind.PLUGIN_FAILED

    def __init__(self, place: str, problem: str, *, declaration: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.declaration = declaration


class PluginMissing(PluginFault):
    """Plugins that a service for other machines may need are not used, for some faults.

    `names` are those of the plugins, which `--no-plugin` takes.
    """

    kind = FaultKind.PLUGIN_FAILED

    def __init__(self, faults: Sequence[str], names: Sequence[str]) -> None:
        flags = " ".join(f"--no-plugin {name}" for name in names)
        advice = [f"Repair it, or serve without it: {flags}"] if names else []
        super().__init__(
            "Other machines can reach this service, and a plugin that may authenticate callers is "
            + "\n".join(["not used:", *faults, *advice])
        )


class AuthorError(Exception):
    """Wraps an exception of the author's code, so that the runtime's own handlers let it pass."""

    @property
    def cause(self) -> BaseException:
        """The exception that the author's code raised."""
        assert self.__cause__ is not None  # it is always raised from one
        return self.__cause__


class RemoteError(Exception):
    """An exception of the author's code in another process; make it by `of`.

    `place` is the file, the line and the function of the deepest frame of that code, if there is
    one, and `trace` its traceback.
    """

    place: tuple[str, int, str] | None
    trace: str

    @classmethod
    def of(
        cls, name: str, text: str, *, place: tuple[str, int, str] | None = None, trace: str = ""
    ) -> RemoteError:
        """Make the error of an exception with the name of its class and its text.

        >>> from runtime_core.message_texts import exception_text
        >>> exception_text(RemoteError.of("ValueError", "no mesh"))
        'ValueError: no mesh'
        """
        error: RemoteError = type(name, (cls,), {})(text)  # messages show the name of a class
        error.place, error.trace = place, trace
        return error


def line_error(detail: Mapping[str, Any]) -> Any:
    """Return a fault of a document as one of the errors that make a pydantic `ValidationError`."""
    message, context = detail["msg"], detail.get("ctx") or {}
    # Pydantic would replace the names of the context in the message, which is complete already.
    context = {name: value for name, value in context.items() if f"{{{name}}}" not in message}
    error = PydanticCustomError(detail["type"], message, context or None)
    return {"type": error, "loc": tuple(detail["loc"]), "input": detail.get("input")}
