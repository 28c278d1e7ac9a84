"""Arrays and failures as plain data, between a submitter and the processes of its executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core.arrays import AnyArray
from runtime_core.calls.faults import RaisedFault, fault_of
from runtime_core.contracts import Call, Fault, Reply, Wire
from runtime_core.errors import (
    AuthorError,
    ExecutorFailed,
    FaultKind,
    InvalidResult,
    RemoteError,
    TesseractRuntimeError,
    WorkerDied,
)
from runtime_core.gradients.vectors import Vector
from runtime_core.message_texts import class_name, own_text
from runtime_core.tesseract.tracebacks import author_frames, author_trace

PackedVector = Mapping[str, tuple[str, tuple[int, ...], str, bytes]]
"""Arrays by path: data type, shape, order in memory, and bytes."""

Outcome = tuple[str, Any]
"""A name of `_READERS`, and its data."""

Computed = tuple[Sequence[Outcome], float]
"""The outcomes of the first tasks of a bundle, and the share of its time or size that they took."""

DIED = "died"
"""The name of the outcome of a task that has taken processes with it."""


class UnknownPoint(Exception):
    """The process has not received a point yet."""


def packed(vector: Vector) -> PackedVector:
    """Return arrays as plain data."""
    return {path: _packed(np.asarray(array)) for path, array in vector.items()}


def _packed(array: AnyArray) -> tuple[str, tuple[int, ...], str, bytes]:
    order = "F" if array.flags.fnc else "C"  # sums of user code may depend on it
    return array.dtype.str, array.shape, order, array.tobytes(order)  # type: ignore[arg-type]


def unpacked(vector: PackedVector) -> dict[str, AnyArray]:
    """Return the arrays of plain data; the caller owns them."""
    return {path: _unpacked(*parts) for path, parts in vector.items()}


def _unpacked(dtype: str, shape: tuple[int, ...], order: Any, data: bytes) -> AnyArray:
    flat: AnyArray = np.frombuffer(bytearray(data), dtype)  # the copy is writable
    return flat.reshape(shape, order=order)


def bytes_in(data: object) -> int:
    """Return the number of bytes in plain data.

    >>> bytes_in(("outputs", {"x": ("<f8", (2,), "C", bytes(16))}))
    16
    """
    if isinstance(data, bytes | bytearray):
        return len(data)
    if isinstance(data, Mapping):
        return sum(map(bytes_in, data.values()))
    return sum(map(bytes_in, data)) if isinstance(data, tuple | list) else 0


def call_data(call: Call) -> Mapping[str, Any]:
    """Return a call without its body as plain data."""
    return {name: getattr(call, name) for name in _CALL} | {"output": vars(call.output)}


_CALL = (
    "endpoint", "run_id", "body_format", "body_parameters", "output_path", "output_folder",
    "parent_run_id", "kept", "changes", "metadata",
)  # fmt: skip
"""The fields of a call that are plain data and concern its answer."""


def read_call(data: Mapping[str, Any], body: bytes) -> Call:
    """Return the call of plain data, with a body of its own."""
    return Call(**{**data, "output": Wire(**data["output"])}, body=bytearray(body))


def reply_data(reply: Reply) -> Mapping[str, Any]:
    """Return a reply as plain data."""
    fault = reply.fault and {**asdict(reply.fault), "kind": reply.fault.kind.value}
    body = tuple(map(bytes, reply.body))
    plain = {field.name: getattr(reply, field.name) for field in fields(reply)}
    return {**plain, "body": body, "fault": fault}


def _reply(data: Mapping[str, Any]) -> Reply:
    fault = data["fault"]
    return Reply(**{**data, "fault": fault and _fault(fault)})


def _fault(data: Mapping[str, Any]) -> Fault:
    return Fault(**{**data, "kind": FaultKind(data["kind"])})


def outcome_of(compute: Callable[[], Outcome]) -> Outcome:
    """Return the outcome of a task; only `UnknownPoint` and what ends a process pass."""
    try:
        return compute()
    except UnknownPoint:
        raise  # the task has not begun
    except AuthorError as error:
        return "author_error", _described(error.cause)
    except InvalidResult as error:
        return "invalid_result", str(error)
    except ExecutorFailed as error:
        return "refused", str(error)
    except TesseractRuntimeError as error:
        fault = fault_of(error)
        return "fault", (class_name(error), fault.kind.value, fault.message, fault.trace)
    except Exception as error:  # as of an author's validator
        return "error", _described(error)


def result_of(outcome: Outcome) -> Any:
    """Return the outputs or the reply of an outcome, or raise its error."""
    name, data = outcome
    return _READERS[name](data)


def _described(error: BaseException) -> tuple[Any, ...]:
    *_, place = None, *author_frames(error)
    return class_name(error), own_text(error), place, author_trace(error)


def _remote_error(data: tuple[Any, ...]) -> RemoteError:
    name, text, place, trace = data
    return RemoteError.of(name, text, place=place and tuple(place), trace=trace)


def _raise_author_error(data: Any) -> Vector:
    raise AuthorError from _remote_error(data)


def _raise_error(data: Any) -> Vector:
    raise _remote_error(data)


def _raise_invalid_result(data: Any) -> Vector:
    raise InvalidResult(data)


def _raise_refusal(data: Any) -> Vector:
    raise ExecutorFailed(data)


def _raise_fault(data: Any) -> Vector:
    name, kind, message, trace = data
    fault = Fault(kind=FaultKind(kind), message=message, trace=trace)
    raise type(name, (RaisedFault,), {})(fault)  # messages show the name of a class


def _raise_died(data: Any) -> Vector:
    raise WorkerDied(data)


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "outputs": unpacked,
        "reply": _reply,
        DIED: _raise_died,
        "author_error": _raise_author_error,
        "error": _raise_error,
        "invalid_result": _raise_invalid_result,
        "refused": _raise_refusal,
        "fault": _raise_fault,
    }
)
