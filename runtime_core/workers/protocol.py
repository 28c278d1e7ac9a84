"""What supervisor and worker say to each other: start, ready, failed, call, reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from runtime_core.contracts import Call, Fault, Reply
from runtime_core.errors import FaultKind
from runtime_core.workers.messages import Message

START, READY, FAILED, CALL, REPLY = "start", "ready", "failed", "call", "reply"


def call_message(call: Call) -> Message:
    """Return a call as a message, its body beside it."""
    return Message(kind=CALL, data=_fields(call, but="body"), buffers=[call.body])


def read_call(message: Message) -> Call:
    """Return the call of a message."""
    return Call(**message.data, body=message.buffers[0])


def reply_message(reply: Reply) -> Message:
    """Return a reply as a message, its body beside it."""
    data = _fields(reply, but="body")
    data["fault"] = asdict(reply.fault) if reply.fault is not None else None
    return Message(kind=REPLY, data=data, buffers=reply.body)


def read_reply(message: Message) -> Reply:
    """Return the reply of a message."""
    reply = Reply(**message.data, body=message.buffers)
    return replace(reply, fault=read_fault(message.data["fault"]))


def failed_message(fault: Fault) -> Message:
    """Return why a worker could not start."""
    return Message(kind=FAILED, data=asdict(fault))


def read_fault(data: Mapping[str, Any] | None) -> Fault | None:
    """Return a fault that `dataclasses.asdict` has written."""
    return None if data is None else Fault(**{**data, "kind": FaultKind(data["kind"])})


def _fields(value: Any, *, but: str) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value) if f.name != but}
