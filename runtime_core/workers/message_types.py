"""The messages between supervisor and worker: start, ready, failed, call, reply.

A large body is in a shared buffer. The supervisor makes the buffers of both directions and
attaches their descriptors to calls, as well as the files for the worker's standard streams and for
the records that user code logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from runtime_core.contracts import Call, Fault, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.workers.framing import Message
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer

START, READY, FAILED, CALL, REPLY = "start", "ready", "failed", "call", "reply"

BODY, ANSWER, STREAMS, RECORDS = "body", "answer", "streams", "records"
SEGMENT = "segment"
"""The roles of descriptors that are attached to a call."""


def call_message(number: int, call: Call, attached: Mapping[str, int]) -> Message:
    """Return a call as a message, with its body unless that is in an attached shared buffer.

    The reply repeats the `number`, so that no process can answer the call of another one.
    """
    is_shared = BODY in attached
    data = {
        "number": number,
        "call": {**_fields_but_body(call), "output": vars(call.output)},
        "body_size": memoryview(call.body).nbytes if is_shared else None,
        "attached": list(attached),
    }
    buffers = [] if is_shared else [call.body]
    return Message(kind=CALL, data=data, buffers=buffers, descriptors=[*attached.values()])


def read_attached(message: Message) -> dict[str, int]:
    """Return the descriptors that are attached to a call, by role."""
    return dict(zip(message.data["attached"], message.descriptors, strict=True))


def read_call(
    message: Message, shared_buffer: SharedBuffer | None, segment: SharedBuffer | None = None
) -> Call:
    """Return the call of a message; its body is a view of the shared buffer, if there is one."""
    data = message.data["call"]
    if shared_buffer is None:
        body = message.buffers[0]
    else:
        body = shared_buffer.view(message.data["body_size"])
    return Call(**{**data, "body": body, "output": Wire(**data["output"]), "segment": segment})


def reply_message(number: int, reply: Reply, shared_buffer: SharedBuffer | None) -> Message:
    """Return a reply as a message; a large body is copied into the shared buffer, if any."""
    pieces = [memoryview(buffer).cast("B") for buffer in reply.body]
    size = sum(piece.nbytes for piece in pieces)
    placed = shared_buffer is not None and size >= SMALLEST
    if shared_buffer is not None and placed:
        shared_buffer.fill(pieces)
    fields = _fields_but_body(reply)
    fields["fault"] = reply.fault and asdict(reply.fault)
    data = {"number": number, "reply": fields, "body_size": size if placed else None}
    return Message(kind=REPLY, data=data, buffers=[] if placed else pieces)


def is_in_shared_buffer(message: Message) -> bool:
    """Recognize a reply whose body is in the shared buffer that was attached for it."""
    return message.data["body_size"] is not None


def read_reply(message: Message, shared_buffer: SharedBuffer) -> Reply:
    """Return the reply of a message; its body may be a view of the shared buffer."""
    data = message.data["reply"]
    body = message.buffers
    if is_in_shared_buffer(message):
        body = [shared_buffer.view(message.data["body_size"])]
    return Reply(**{**data, "body": body, "fault": data["fault"] and read_fault(data["fault"])})


def read_fault(data: Mapping[str, Any]) -> Fault:
    """Return a fault that `dataclasses.asdict` has written."""
    return Fault(**{**data, "kind": FaultKind(data["kind"])})


def _fields_but_body(value: Call | Reply) -> dict[str, Any]:
    return {name: field for name, field in vars(value).items() if name not in _IN_MEMORY}


_IN_MEMORY = frozenset({"body", "segment"})
