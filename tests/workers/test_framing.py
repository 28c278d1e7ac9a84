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
from runtime_core.workers.framing import Channel, ConnectionEnded, Message, pieces
from runtime_core.workers.message_types import (
    AHEAD,
    ANSWER,
    BODY,
    CALL,
    CANCEL,
    FAILED,
    SKIPPED,
    START,
    STREAMS,
    WRITTEN,
    call_message,
    outcome_of,
    read_attached,
    read_call,
    read_fault,
    read_reply,
    read_tree,
    reply_message,
    skipped_message,
    tree_message,
)
from runtime_core.workers.shared_memory import SharedBuffer
from tests.workers.conftest import both_loops, run

LARGE = 20_000_000  # far more than the buffers of a socket hold
CALL_OF_R = Call(
    endpoint="e", run_id="r", body=b"a" * 99, body_format="json", output=Wire(format="json")
)

Ends = tuple[socket.socket, socket.socket]

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Return the two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def carried(message: Message) -> Message:
    """Return the received form of a message that fits into the buffers of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(ours).send(message)
        return Channel(theirs).next()


def as_bytes(buffers: Sequence[Any]) -> list[bytes]:
    """Return buffers as values that can be compared."""
    return [bytes(buffer) for buffer in buffers]


@given(
    kind=st.integers(0, 255),
    number=st.integers(0, 2**32 - 1),
    parts=st.lists(st.binary(max_size=1000), max_size=5),
)
def test_message_arrives_as_it_was_sent(kind: int, number: int, parts: list[bytes]) -> None:
    """Kind, number and parts are unchanged, with empty parts."""
    arrived = carried(Message(kind=kind, number=number, parts=parts))
    assert (arrived.kind, arrived.number, as_bytes(arrived.parts)) == (kind, number, parts)


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 200), min_size=1, max_size=40),
)
def test_messages_arrive_in_any_pieces(sizes: list[int], cuts: list[int]) -> None:
    """Several messages may come at once, and each in several pieces."""
    ours, theirs = socket.socketpair()
    sent = [Message(kind=1, number=n, parts=[bytes(size), b"end"]) for n, size in enumerate(sizes)]
    whole = b"".join(b"".join(pieces(message)) for message in sent)

    def send() -> None:
        start = 0
        for cut in [*cuts, len(whole)]:
            ours.sendall(whole[start : start + cut])
            start += cut

    with ours, theirs:
        sender = threading.Thread(target=send)
        sender.start()
        channel = Channel(theirs)
        arrived = [channel.next() for _ in sent]
        sender.join()
    assert [(m.number, as_bytes(m.parts)) for m in arrived] == [
        (m.number, as_bytes(m.parts)) for m in sent
    ]


@given(tree=st.dictionaries(st.text(), trees, max_size=5))
def test_tree_arrives_as_it_was_sent(tree: dict[str, Any]) -> None:
    """A JSON-like tree is unchanged on the other side."""
    assert read_tree(carried(tree_message(START, tree))) == tree


@given(
    run_id=st.text(),
    body=st.binary(max_size=100),
    compression=st.none() | st.text(),
    parent=st.none() | st.text(),
    timeout=st.none() | st.floats(allow_nan=False),
    new_run=st.booleans(),
    output_path=st.none() | st.text(),
    facts=st.fixed_dictionaries(
        {},
        optional={name: st.dictionaries(st.text(), st.text()) for name in ("changes", "metadata")},
    ),
    ahead=st.booleans(),
)
def test_call_arrives_as_it_was_sent(
    run_id: str,
    body: bytes,
    compression: str | None,
    parent: str | None,
    timeout: float | None,
    new_run: bool,
    output_path: str | None,
    facts: dict[str, Any],
    ahead: bool,
) -> None:
    """A call is unchanged on the other side."""
    call = Call(
        endpoint="apply",
        run_id=run_id,
        body=body,
        body_format="json",
        output=Wire(format="json+base64", array_encoding="base64", compression=compression),
        output_path=output_path,
        output_folder="run",
        timeout=timeout,
        parent_run_id=parent,
        new_run=new_run,
        **facts,
    )
    message = carried(call_message(7, call, {}, ahead=ahead))
    assert (read_call(message, None), read_attached(message)) == (call, {})
    assert (message.number, message.kind) == (7, AHEAD if ahead else CALL)


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
    reply = Reply(run_id="r", format="json", fault=fault, timings={"decode": 0.5})
    assert read_reply(carried(reply_message(7, reply, None)), CALL_OF_R, None) == Reply(
        run_id="r", format="json", body=[], fault=fault, timings={"decode": 0.5}
    )
    assert read_fault(read_tree(carried(tree_message(FAILED, asdict(fault))))) == fault


def test_reply_keeps_its_pieces() -> None:
    """The buffers of a body, also views, arrive in order, after further timings."""
    reply = Reply(
        run_id="r",
        format="json",
        body=[b"ab", memoryview(b"cd"), bytearray(b""), b"e"],
        timings={"decode": 0.5, "compute": 2.0},
    )
    message = carried(reply_message(7, reply, None, outcome=WRITTEN))
    arrived = read_reply(message, CALL_OF_R, None, queue=0.25)
    assert as_bytes(arrived.body) == [b"ab", b"cd", b"", b"e"]
    assert arrived.timings == {"queue": 0.25, "decode": 0.5, "compute": 2.0}
    assert (arrived.fault, outcome_of(message)) == (None, (WRITTEN, 0))


def test_skipped_call_has_no_result() -> None:
    """The reply to a call that has not begun says so."""
    message = carried(skipped_message(7))
    assert (message.number, outcome_of(message)) == (7, (SKIPPED, 0))


def test_received_bodies_are_owned() -> None:
    """A received body is writable, so that arrays need no further copy."""
    assert isinstance(read_call(carried(call_message(7, CALL_OF_R, {})), None).body, bytearray)


def test_cancellation_is_seen_before_its_turn(ends: Ends) -> None:
    """A worker sees what has arrived behind the message that it reads, without waiting."""
    ours, theirs = map(Channel, ends)
    ours.send(call_message(7, CALL_OF_R, {}, ahead=True))
    assert theirs.next().number == 7
    assert list(theirs.arrived()) == []
    ours.send(Message(kind=CANCEL, number=7))
    assert [(later.kind, later.number) for later in theirs.arrived()] == [(CANCEL, 7)]
    assert theirs.next().kind == CANCEL


def test_large_message_crosses_threads(ends: Ends) -> None:
    """A message larger than the buffers of a socket arrives whole."""
    ours, theirs = map(Channel, ends)
    body = bytes(range(256)) * (LARGE // 256)
    sender = threading.Thread(target=ours.send, args=(Message(kind=1, parts=[body]),))
    sender.start()
    [arrived] = theirs.next().parts
    sender.join()
    assert arrived == body


async def received(connection: socket.socket, *messages: Message) -> list[Message | None]:
    """Send messages in an event loop; return what arrives until the end, which is `None`."""
    arrived: list[Message | None] = []
    ended = asyncio.Event()

    def end() -> None:
        arrived.append(None)
        ended.set()

    sending = Connection(connection, received=arrived.append, ended=end)
    for message in messages:
        sending.send(message)
    await ended.wait()
    sending.close()
    return arrived


def echo(connection: socket.socket, messages: int) -> None:
    """Answer messages with themselves, then hang up."""
    channel = Channel(connection)
    for _ in range(messages):
        channel.send(channel.next())
    connection.shutdown(socket.SHUT_RDWR)


@both_loops
def test_large_messages_cross_an_event_loop(ends: Ends, loop: str) -> None:
    """Both directions work in an event loop, for more bytes than the buffers of a socket."""
    ours, theirs = ends
    sent = [
        Message(kind=1, number=n, parts=[b"", bytes(range(256)) * (size // 256)])
        for n, size in enumerate([LARGE, 256, LARGE])
    ]
    threading.Thread(target=echo, args=(theirs, 3), daemon=True).start()
    *arrived, end = run(loop, received(ours, *sent))
    assert end is None
    assert [message.number for message in arrived] == [0, 1, 2]
    assert all(
        as_bytes(message.parts) == asked.parts for message, asked in zip(arrived, sent, strict=True)
    )


@both_loops
@pytest.mark.parametrize("stray", [b"{", b"TRW2", b"not a message at all", b"TRW" + bytes(40)])
def test_what_is_no_message_ends_the_connection(ends: Ends, loop: str, stray: bytes) -> None:
    """Invalid bytes on the socket end the connection, as soon as they are seen."""
    ours, theirs = ends
    theirs.sendall(stray)
    assert run(loop, received(ours)) == [None]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(stray)
        with pytest.raises(ConnectionEnded):
            Channel(theirs).next()


def test_names_of_files_that_are_no_text_arrive() -> None:
    """Lone surrogates, which stand for undecodable bytes of names, are unchanged."""
    data = {"path": os.fsdecode(b"/tmp/\xff"), "wrong": float("inf")}
    assert read_tree(carried(tree_message(START, data))) == data


def test_closed_connection_is_told(ends: Ends) -> None:
    """The end of the other side raises `ConnectionEnded` in readers and writers."""
    ours, theirs = ends
    theirs.close()
    with pytest.raises(ConnectionEnded):
        Channel(ours).next()
    with pytest.raises(ConnectionEnded):
        Channel(ours).send(Message(kind=1, parts=[b"a" * LARGE]))


def test_end_in_the_middle_of_a_message_is_told(ends: Ends) -> None:
    """A message that stops halfway is not received."""
    ours, theirs = ends
    ours.sendall(b"".join(pieces(Message(kind=1, parts=[b"abc"])))[:-1])
    ours.close()
    with pytest.raises(ConnectionEnded):
        Channel(theirs).next()


@both_loops
@pytest.mark.parametrize("size", [0, LARGE])
def test_end_is_told_beside_an_event_loop(ends: Ends, loop: str, size: int) -> None:
    """The end of the other side is reported once, to readers and writers."""
    ours, theirs = ends
    theirs.close()
    assert run(loop, received(ours, Message(kind=1, parts=[b"a" * size]))) == [None]


def test_descriptors_come_with_their_message(ends: Ends) -> None:
    """Attached descriptors are open on the other side, each with its own message."""
    ours, theirs = ends
    channel = Channel(theirs)
    pipes = [os.pipe() for _ in range(2)]

    async def send() -> None:
        connection = Connection(ours, received=print, ended=print)
        connection.send(Message(kind=1, parts=[b"abc"]))
        for _, writing in pipes:
            connection.send(Message(kind=2, parts=[b"def"], descriptors=[writing]))

    asyncio.run(send())
    assert channel.next().descriptors == ()
    for reading, writing in pipes:
        os.close(writing)
        [descriptor] = channel.next().descriptors
        os.write(descriptor, b"through")
        assert os.read(reading, 100) == b"through"
        os.close(descriptor)
        os.close(reading)


def test_body_in_a_segment_crosses_no_socket() -> None:
    """A message of a call with its body in shared memory has only the size."""
    message = call_message(7, CALL_OF_R, {STREAMS: 9, BODY: 7, ANSWER: 8})
    assert (message.parts[-1], message.descriptors) == (b"", [7, 8, 9])
    assert read_attached(message) == {BODY: 7, ANSWER: 8, STREAMS: 9}
    with_memory = SharedBuffer.create()
    assert len(read_call(message, with_memory).body) == 99
    with_memory.close()


@pytest.mark.parametrize("is_shared", [True, False])
def test_answer_is_put_into_its_shared_buffer(is_shared: bool) -> None:
    """A body arrives in the shared buffer, and without one in the message."""
    theirs = SharedBuffer.create()
    ours = SharedBuffer(os.dup(theirs.descriptor))
    reply = Reply(run_id="r", format="json", body=[b"<", b"x" * 99, b">"])
    message = carried(reply_message(7, reply, theirs if is_shared else None))
    _, size = outcome_of(message)
    assert size == (101 if is_shared else 0)
    shared = ours.view(size) if is_shared else None
    body = b"".join(read_reply(message, CALL_OF_R, shared).body)
    del shared
    theirs.close()
    ours.close()
    assert body == b"<" + b"x" * 99 + b">"
