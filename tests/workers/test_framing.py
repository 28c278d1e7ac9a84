"""Messages between a supervisor and its workers."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.contracts import Call, Fault, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.workers.connection import Connection
from runtime_core.workers.framing import (
    ConnectionEnded,
    Message,
    receive,
    send,
)
from runtime_core.workers.message_types import (
    BODY,
    FAILED,
    call_message,
    is_in_shared_buffer,
    read_attached,
    read_call,
    read_fault,
    read_reply,
    reply_message,
)
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer
from tests.workers.conftest import both_loops, run

LARGE = 20_000_000  # far more than the buffers of a socket hold

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def carried(message: Message) -> Message:
    """Return the received form of a message that fits into the buffers of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, message)
        return receive(theirs)


def shared_buffer() -> SharedBuffer:
    """Return an empty shared buffer."""
    return SharedBuffer(-1)


def as_bytes(buffers: Sequence[Any]) -> list[bytes]:
    """Return buffers as values that can be compared."""
    return [bytes(buffer) for buffer in buffers]


@given(
    kind=st.text(max_size=20),
    data=st.dictionaries(st.text(), trees, max_size=5),
    buffers=st.lists(st.binary(max_size=1000), max_size=5),
)
def test_message_arrives_as_it_was_sent(
    kind: str, data: dict[str, Any], buffers: list[bytes]
) -> None:
    """Kind, tree and buffers are unchanged, with empty buffers and any text."""
    arrived = carried(Message(kind=kind, data=data, buffers=buffers))
    assert (arrived.kind, arrived.data, as_bytes(arrived.buffers)) == (kind, data, buffers)


@given(
    run_id=st.text(),
    body=st.binary(max_size=100),
    compression=st.none() | st.text(),
    parent=st.none() | st.text(),
    timeout=st.none() | st.floats(allow_nan=False),
)
def test_call_arrives_as_it_was_sent(
    run_id: str, body: bytes, compression: str | None, parent: str | None, timeout: float | None
) -> None:
    """A call is unchanged on the other side."""
    call = Call(
        endpoint="apply",
        run_id=run_id,
        body=body,
        body_format="json",
        output=Wire(format="json+base64", array_encoding="base64", compression=compression),
        timeout=timeout,
        parent_run_id=parent,
        new_run=True,
    )
    message = carried(call_message(7, call, {}))
    assert (read_call(message, None), read_attached(message)) == (call, {})
    assert (message.data["number"], message.data["body_size"]) == (7, None)


@given(
    kind=st.sampled_from(FaultKind),
    message=st.text(),
    trace=st.text(),
    details=st.lists(st.dictionaries(st.text(), trees, max_size=3), max_size=3),
)
def test_fault_arrives_as_it_was_sent(
    kind: FaultKind, message: str, trace: str, details: list[dict[str, Any]]
) -> None:
    """A fault is unchanged on the other side, in a reply and from a worker that cannot start."""
    fault = Fault(kind=kind, message=message, trace=trace, details=details)
    reply = Reply(run_id="a", format="json", fault=fault, timings={"decode": 0.5})
    assert read_reply(carried(reply_message(7, reply, None)), shared_buffer()) == Reply(
        run_id="a", format="json", body=[], fault=fault, timings={"decode": 0.5}
    )
    assert read_fault(carried(Message(kind=FAILED, data=asdict(fault))).data) == fault


def test_reply_keeps_its_pieces() -> None:
    """The buffers of a body, also views, arrive in order."""
    reply = Reply(run_id="a", format="json", body=[b"ab", memoryview(b"cd"), bytearray(b""), b"e"])
    arrived = read_reply(carried(reply_message(7, reply, None)), shared_buffer())
    assert as_bytes(arrived.body) == [b"ab", b"cd", b"", b"e"]
    assert arrived.fault is None


def test_received_buffers_are_owned(ends: tuple[socket.socket, socket.socket]) -> None:
    """Received buffers are writable, so that arrays need no further copy."""
    ours, theirs = ends
    send(ours, Message(kind="x", data={}, buffers=[b"abc"]))
    [buffer] = receive(theirs).buffers
    assert isinstance(buffer, bytearray)


def test_large_message_crosses_threads(ends: tuple[socket.socket, socket.socket]) -> None:
    """A message larger than the buffers of a socket arrives whole."""
    ours, theirs = ends
    body = bytes(range(256)) * (LARGE // 256)
    sender = threading.Thread(target=send, args=(ours, Message(kind="x", data={}, buffers=[body])))
    sender.start()
    [arrived] = receive(theirs).buffers
    sender.join()
    assert arrived == body


def echo(connection: socket.socket) -> None:
    """Answer one message with itself."""
    send(connection, receive(connection))


@both_loops
def test_large_message_crosses_an_event_loop(
    ends: tuple[socket.socket, socket.socket], loop: str
) -> None:
    """Both directions work in an event loop, for more bytes than the buffers of a socket."""
    ours, theirs = ends
    body = bytes(range(256)) * (LARGE // 256)
    threading.Thread(target=echo, args=(theirs,), daemon=True).start()

    async def exchange() -> Message:
        connection = Connection(ours)
        connection.ask(Message(kind="x", data={"n": 1}, buffers=[b"", body]))
        answer = await connection.answer()
        connection.close()
        return answer

    arrived = run(loop, exchange())
    assert arrived.data == {"n": 1}
    assert as_bytes(arrived.buffers) == [b"", body]


@both_loops
def test_answer_can_be_waited_for_anew(
    ends: tuple[socket.socket, socket.socket], loop: str
) -> None:
    """A task that is cancelled leaves the answer to the next one that waits."""
    ours, theirs = ends

    async def exchange() -> Message:
        connection = Connection(ours)
        connection.ask(Message(kind="x", data={"n": 1}))
        first = asyncio.create_task(connection.answer())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.wait([first])
        threading.Thread(target=echo, args=(theirs,), daemon=True).start()
        answer = await connection.answer()
        assert await connection.answer() == answer
        connection.close()
        return answer

    assert run(loop, exchange()).data == {"n": 1}


@both_loops
@pytest.mark.parametrize("asked", [True, False])
def test_what_comes_unasked_ends_the_connection(
    ends: tuple[socket.socket, socket.socket], loop: str, asked: bool
) -> None:
    """A second answer, or one without a question, ends the connection."""
    ours, theirs = ends

    async def exchange() -> None:
        connection = Connection(ours)
        if asked:
            connection.ask(Message(kind="x", data={}))
            send(theirs, Message(kind="y", data={}))
            assert (await connection.answer()).kind == "y"
        send(theirs, Message(kind="z", data={}))
        await asyncio.sleep(0.1)
        connection.ask(Message(kind="x", data={}))
        with pytest.raises(ConnectionEnded):
            await connection.answer()
        connection.close()

    run(loop, exchange())


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[]",
        b'{"kind": "x", "data": {}}',
        b'{"kind": "x", "data": {}, "sizes": [-1]}',
        b'{"kind": "x", "data": {}, "sizes": ["a"]}',
        b'{"kind": "x", "data": {}, "sizes": 1}',
        b'{"kind": "x", "data": [], "sizes": []}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_ends_the_connection(
    ends: tuple[socket.socket, socket.socket], header: bytes
) -> None:
    """Invalid bytes on the socket end the connection."""
    ours, theirs = ends
    ours.sendall(len(header).to_bytes(4, "big") + header)
    with pytest.raises(ConnectionEnded):
        receive(theirs)


def test_names_of_files_that_are_no_text_arrive() -> None:
    """Lone surrogates, which stand for undecodable bytes of names, are unchanged."""
    data = {"path": os.fsdecode(b"/tmp/\xff"), "wrong": float("inf")}
    assert carried(Message(kind="x", data=data)).data == data


def test_closed_connection_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    """The end of the other side raises `ConnectionEnded` in readers and writers."""
    ours, theirs = ends
    theirs.close()
    with pytest.raises(ConnectionEnded):
        receive(ours)
    with pytest.raises(ConnectionEnded):
        send(ours, Message(kind="x", data={}, buffers=[b"a" * LARGE]))


def test_end_in_the_middle_of_a_message_is_told(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """A message that stops halfway is not received."""
    ours, theirs = ends
    ours.sendall(b"\x00\x00\x00\x10{")
    ours.close()
    with pytest.raises(ConnectionEnded):
        receive(theirs)


@both_loops
@pytest.mark.parametrize("size", [0, LARGE])
def test_end_is_told_beside_an_event_loop(
    ends: tuple[socket.socket, socket.socket], loop: str, size: int
) -> None:
    """The end of the other side raises `ConnectionEnded` in asynchronous readers and writers."""
    ours, theirs = ends
    theirs.close()

    async def exchange() -> None:
        connection = Connection(ours)
        connection.ask(Message(kind="x", data={}, buffers=[b"a" * size]))
        with pytest.raises(ConnectionEnded):
            await connection.answer()
        connection.hang_up()
        connection.close()

    run(loop, exchange())


def test_descriptors_come_with_their_message(ends: tuple[socket.socket, socket.socket]) -> None:
    """Attached descriptors are open on the other side, under other numbers."""
    ours, theirs = ends
    reading, writing = os.pipe()
    message = Message(kind="x", data={}, buffers=[b"abc"], descriptors=[writing])

    async def ask() -> None:
        Connection(ours).ask(message)

    asyncio.run(ask())
    os.close(writing)
    arrived = receive(theirs)
    [descriptor] = arrived.descriptors
    os.write(descriptor, b"through")
    assert (os.read(reading, 100), as_bytes(arrived.buffers)) == (b"through", [b"abc"])
    os.close(descriptor)
    os.close(reading)


def test_body_in_a_segment_crosses_no_socket() -> None:
    """A message of a call with its body in shared memory has only the size."""
    call = Call(
        endpoint="e", run_id="r", body=b"a" * 99, body_format="json", output=Wire(format="json")
    )
    message = call_message(7, call, {BODY: 7})
    assert (message.buffers, message.descriptors) == ([], [7])
    assert (message.data["body_size"], message.data["attached"]) == (99, [BODY])


@pytest.mark.parametrize("size", [SMALLEST - 1, SMALLEST, SMALLEST + 1])
def test_large_answer_is_put_into_its_segment(size: int) -> None:
    """A large body arrives in the shared buffer, a small one in the message."""
    theirs = SharedBuffer.create()
    ours = SharedBuffer(os.dup(theirs.descriptor))
    reply = Reply(run_id="a", format="json", body=[b"<", b"x" * (size - 2), b">"])
    message = carried(reply_message(7, reply, theirs))
    assert is_in_shared_buffer(message) == (size >= SMALLEST)
    body = b"".join(read_reply(message, ours).body)
    theirs.close()
    ours.close()
    assert body == b"<" + b"x" * (size - 2) + b">"
