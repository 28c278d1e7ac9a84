"""The messages between supervisor and worker: start, ready, failed, call, cancel, reply.

A large body is in a shared buffer. The supervisor makes the buffers of both directions and
attaches their descriptors to calls, as well as the files for the worker's standard streams and for
the records that user code logs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from runtime_core.contracts import Buffer, Call, Fault, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.workers.framing import Message
from runtime_core.workers.shared_memory import SharedBuffer

START, READY, FAILED, CALL, CANCEL, REPLY, AHEAD = range(1, 8)
"""The kinds of messages.

`AHEAD` is a call that was sent before the reply to the one before it; `CANCEL` takes it back, if it
has not begun.
"""

BODY, ANSWER, STREAMS, SEGMENT = _ROLES = 1, 2, 4, 8
"""The roles of descriptors that are attached to a call, in this order."""

WRITTEN, SKIPPED = 1, 2
"""The outcomes of a reply, as flags: the call has `WRITTEN` output or files, or has not begun.

After the first, and after a large answer, the worker waits for new files: it skips a call that was
sent ahead.
"""

_FORWARD = ("", "kept", "hit", "miss")  # their positions are above the flags of an outcome
_TIMEOUT, _PARENT, _NEW_RUN, _KEPT, _CALLER, _FACTS = 1, 2, 4, 8, 16, 32  # flags of a call
_CALL = struct.Struct(">BBdQ")  # flags, attached, timeout, size of a body in a shared buffer
_REPLY = struct.Struct(">BQ")  # outcome, size of a body in a shared buffer


def tree_message(kind: int, tree: Mapping[str, Any]) -> Message:
    """Return a JSON-like tree as a message."""
    return Message(kind=kind, parts=[_json(tree)])


def read_tree(message: Message) -> dict[str, Any]:
    """Return the tree of a message."""
    tree: dict[str, Any] = _from_json(message.parts[0])
    return tree


def call_message(
    number: int,
    call: Call,
    attached: Mapping[int, int],
    limit: float | None = None,
    *,
    ahead: bool = False,
) -> Message:
    """Return a call as a message, with its body unless that is in an attached shared buffer.

    The reply repeats the `number`, so that no process can answer the call of another one. `limit`
    is that of the operator, which the worker is told if it is the shorter one.
    """
    is_shared = BODY in attached
    flags = _NEW_RUN * call.new_run | _KEPT * call.kept | _CALLER * (call.caller is not None)
    timeout = call.timeout if limit is None else min(limit, call.timeout or limit)
    flags |= _TIMEOUT * (timeout is not None) | _PARENT * (call.parent_run_id is not None)
    if call.changes or call.metadata:
        flags |= _FACTS
    body = call.body if isinstance(call.body, bytes) else memoryview(call.body).cast("B")
    fields = _CALL.pack(flags, sum(attached), timeout or 0.0, len(body) if is_shared else 0)
    return Message(
        kind=AHEAD if ahead else CALL,
        number=number,
        parts=[
            fields,
            _form(
                call.endpoint,
                call.body_format,
                call.body_parameters,
                call.output,
                call.output_path,
            ),
            call.run_id.encode(*_UTF_8),
            call.output_folder.encode(*_UTF_8),
            (call.parent_run_id or "").encode(*_UTF_8),
            (call.caller or "").encode(*_UTF_8),
            b"" if is_shared else body,
            *([_json([call.changes, call.metadata])] if flags & _FACTS else ()),
        ],
        descriptors=[attached[role] for role in sorted(attached)] if attached else (),
    )


def read_attached(message: Message) -> dict[int, int]:
    """Return the descriptors that are attached to a call, by role."""
    if not message.descriptors:
        return {}
    roles = _CALL.unpack(message.parts[0])[1]
    present = [role for role in _ROLES if roles & role]
    return dict(zip(present, message.descriptors, strict=True))


def read_call(
    message: Message, shared_buffer: SharedBuffer | None, segment: SharedBuffer | None = None
) -> Call:
    """Return the call of a message; its body is a view of the shared buffer, if there is one.

    Any other body is writable memory of its own, so that arrays need no further copy.
    """
    fields, form, run_id, output_folder, parent, caller, body, *facts = message.parts
    flags, _, timeout, size = _CALL.unpack(fields)
    endpoint, body_format, body_parameters, output, output_path = _read_form(bytes(form))
    changes, metadata = _from_json(facts[0]) if flags & _FACTS else ({}, {})
    return Call(
        endpoint=endpoint,
        run_id=str(run_id, *_UTF_8),
        body=bytearray(body) if shared_buffer is None else shared_buffer.view(size),
        body_format=body_format,
        body_parameters=body_parameters,
        output=output,
        output_path=output_path,
        output_folder=str(output_folder, *_UTF_8),
        timeout=timeout if flags & _TIMEOUT else None,
        parent_run_id=str(parent, *_UTF_8) if flags & _PARENT else None,
        new_run=bool(flags & _NEW_RUN),
        caller=str(caller, *_UTF_8) if flags & _CALLER else None,
        segment=segment,
        changes=changes,
        metadata=metadata,
        kept=bool(flags & _KEPT),
    )


def reply_message(
    number: int, reply: Reply, shared_buffer: SharedBuffer | None, *, outcome: int = 0
) -> Message:
    """Return a reply as a message; its body is copied into the shared buffer, if there is one."""
    body = [memoryview(buffer).cast("B") for buffer in reply.body]
    size = 0 if shared_buffer is None else shared_buffer.fill(body)
    return Message(
        kind=REPLY,
        number=number,
        parts=[
            _REPLY.pack(outcome | _FORWARD.index(reply.forward) << 2, size),
            ",".join(reply.timings).encode(),
            _seconds(len(reply.timings)).pack(*reply.timings.values()),
            b"" if reply.fault is None else _json(asdict(reply.fault)),
            _json(reply.headers) if reply.headers else b"",
            *(body if shared_buffer is None else ()),
        ],
    )


def body_size(reply: Reply) -> int:
    """Return the bytes of the body of a reply."""
    return sum([memoryview(buffer).nbytes for buffer in reply.body])


def skipped_message(number: int) -> Message:
    """Return the reply to a call that has not begun."""
    empty = [b""] * 4
    return Message(kind=REPLY, number=number, parts=[_REPLY.pack(SKIPPED, 0), *empty])


def outcome_of(message: Message) -> tuple[int, int]:
    """Return the flags of a reply, and the bytes of its body in the shared buffer."""
    outcome, size = _REPLY.unpack(message.parts[0])
    return outcome, size


def read_reply(message: Message, call: Call, shared: Buffer | None, **seconds: float) -> Reply:
    """Return the reply to a call, with further timings before its own.

    A body in the shared buffer is given as `shared`.
    """
    fields, names, timings, fault, headers, *body = message.parts
    if shared is not None:
        body = [shared]
    if names:
        stages = _stages(bytes(names))
        seconds.update(zip(stages, _seconds(len(stages)).unpack(timings), strict=True))
    return Reply(
        run_id=call.run_id,
        format=call.output.format,
        body=body,
        timings=seconds,
        fault=read_fault(_from_json(fault)) if fault else None,
        forward=_FORWARD[fields[0] >> 2],
        headers=_from_json(headers) if headers else {},
        has_files=bool(fields[0] & WRITTEN),
    )


def read_fault(data: Mapping[str, Any]) -> Fault:
    """Return a fault that `dataclasses.asdict` has written."""
    return Fault(**{**data, "kind": FaultKind(data["kind"])})


@lru_cache(256)  # clients ask for few forms, and servers have few output paths
def _form(
    endpoint: str, body_format: str, parameters: str, output: Wire, output_path: str | None
) -> bytes:
    return _json([endpoint, body_format, parameters, vars(output), output_path])


@lru_cache(256)
def _read_form(text: bytes) -> tuple[str, str, str, Wire, str | None]:
    endpoint, body_format, parameters, output, output_path = _from_json(text)
    return endpoint, body_format, parameters, Wire(**output), output_path


@lru_cache(64)  # calls have few stages
def _stages(text: bytes) -> Sequence[str]:
    return text.decode().split(",")


@lru_cache(64)
def _seconds(count: int) -> struct.Struct:
    return struct.Struct(f">{count}d")


def _json(tree: Any) -> bytes:
    try:
        return to_json(tree)
    except PydanticSerializationError:  # names of files may have lone surrogates
        return json.dumps(tree, default=list).encode()  # a set as a list


def _from_json(text: Buffer) -> Any:
    try:
        return from_json(bytes(text))
    except ValueError:
        return json.loads(bytes(text))


_UTF_8 = ("utf-8", "surrogatepass")  # names of files may have lone surrogates
