"""The messages between supervisor and worker: start, ready, failed, call, reply.

A large body lies in a shared buffer. The supervisor makes the buffers of both directions and
attaches their descriptors to calls, together with the files for the worker's standard streams and
for the records that user code logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runtime_core.contracts import Buffer, Call, Fault, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.workers.framing import Message
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer

START, READY, FAILED, CALL, REPLY = "start", "ready", "failed", "call", "reply"

BODY, ANSWER, STREAMS, RECORDS = "body", "answer", "streams", "records"
"""The roles of descriptors that are attached to a call."""


@dataclass(frozen=True, kw_only=True)
class ReceivedCall:
    """A call as a worker gets it: `body_size` bytes of its body lie in the attached shared buffer.

    Its reply repeats the `number`, by which no process can answer another one's call.
    """

    number: int
    call: Call
    body_size: int | None
    attached: Mapping[str, int]


def call_message(number: int, call: Call, attached: Mapping[str, int]) -> Message:
    """Return a call as a message, with its body unless that is in an attached shared buffer."""
    is_shared = BODY in attached
    data = {
        "number": number,
        "call": {**_fields(call, but="body"), "output": vars(call.output)},
        "body_size": memoryview(call.body).nbytes if is_shared else None,
        "attached": list(attached),
    }
    return Message(
        kind=CALL,
        data=data,
        buffers=[] if is_shared else [call.body],
        descriptors=list(attached.values()),
    )


def read_call(message: Message) -> ReceivedCall:
    """Return the call of a message."""
    body: Buffer = message.buffers[0] if message.buffers else b""
    fields = message.data["call"]
    return ReceivedCall(
        number=message.data["number"],
        call=Call(**{**fields, "output": Wire(**fields["output"])}, body=body),
        body_size=message.data["body_size"],
        attached=dict(zip(message.data["attached"], message.descriptors, strict=True)),
    )


def reply_message(number: int, reply: Reply, shared_buffer: SharedBuffer | None) -> Message:
    """Return a reply as a message; a large body is copied into the shared buffer, if any."""
    pieces = [memoryview(buffer).cast("B") for buffer in reply.body]
    size = sum(piece.nbytes for piece in pieces)
    placed = shared_buffer is not None and size >= SMALLEST
    if shared_buffer is not None and placed:
        shared_buffer.fill(pieces)
    data = _fields(reply, but="body")
    data["fault"] = asdict(reply.fault) if reply.fault is not None else None
    return Message(
        kind=REPLY,
        data={"number": number, "reply": data, "body_size": size if placed else None},
        buffers=[] if placed else pieces,
    )


def is_in_shared_buffer(message: Message) -> bool:
    """Return whether the body of a reply lies in the shared buffer that was attached for it."""
    return message.data["body_size"] is not None


def read_reply(message: Message, shared_buffer: SharedBuffer) -> Reply:
    """Return the reply of a message; its body may be a view of the shared buffer."""
    data = message.data["reply"]
    body: Sequence[Buffer] = message.buffers
    if is_in_shared_buffer(message):
        body = [shared_buffer.view(message.data["body_size"])]
    return Reply(**{**data, "body": body, "fault": read_fault(data["fault"])})


def failed_message(fault: Fault) -> Message:
    """Return the fault of a worker that could not start, as a message."""
    return Message(kind=FAILED, data=asdict(fault))


def read_fault(data: Mapping[str, Any] | None) -> Fault | None:
    """Return a fault that `dataclasses.asdict` has written."""
    return None if data is None else Fault(**{**data, "kind": FaultKind(data["kind"])})


def _fields(value: Any, *, but: str) -> dict[str, Any]:
    return {name: fact for name, fact in vars(value).items() if name != but}
