"""Hostile clients of the soak: they take places, time and memory, and ask for little."""

from __future__ import annotations

import itertools
import random
import select
import socket
from collections.abc import Iterable
from http.client import HTTPException

import numpy as np

from tests.server.conftest import Answer, head, read_answer
from tests.soak.clients import Load, Role, small_window
from tests.soak.questions import FORMS, Question, undocumented

_PAUSE = 0.1  # seconds between the calls of a hostile client, as it has others beside it
_BOMB = b'{"inputs": {"x": [], "items": [%b]}}' % b",".join([b"{}"] * 100_000)
_X = np.arange(4.0)
_SMALL = Question(form=FORMS[0], x=_X, body=FORMS[0].write(_X, 0.0))
_Y = np.zeros(1_000_000)
_LARGE = Question(form=FORMS[1], x=_Y, body=FORMS[1].write(_Y, 0.0))


def send_no_head(load: Load, chance: random.Random) -> None:
    """Connect and send nothing."""
    while load.lasts:
        trickle(load, itertools.repeat(b""))


def send_slow_head(load: Load, chance: random.Random) -> None:
    """Send a head byte by byte."""
    while load.lasts:
        trickle(load, (bytes([byte]) for byte in head(X="y" * 10_000)))


def send_slow_body(load: Load, chance: random.Random) -> None:
    """Announce a body, and send a byte of it now and then."""
    beginning = head(Content_Length=900_000)
    while load.lasts:
        trickle(load, itertools.chain([beginning], itertools.repeat(b" ")))


def trickle(load: Load, pieces: Iterable[bytes]) -> None:
    """Send pieces slowly on one connection, until there is an answer."""
    with load.served.raw() as connection:
        for piece in pieces:
            if not load.lasts:
                return
            if is_readable(connection, _PAUSE):
                break
            connection.sendall(piece)
        note(load, connection)


def is_readable(connection: socket.socket, seconds: float) -> bool:
    """Wait for bytes, or for the end of a connection."""
    return bool(select.select([connection], [], [], seconds)[0])


def read_nothing(load: Load, chance: random.Random) -> None:
    """Ask for much, and hold the connection without reading until it has been cut."""
    while load.lasts:
        with small_window(load.served) as connection:
            connection.sendall(_LARGE.head + _LARGE.body)
            load.pause(8.0)
        load.hostile["unread"] += 1


def send_bombs(load: Load, chance: random.Random) -> None:
    """Send payloads with as many faults as possible."""
    while load.lasts:
        answer = load.served.request("POST", "/apply", _BOMB)
        record(load, answer)
        load.pause(_PAUSE)


def leave_no_time(load: Load, chance: random.Random) -> None:
    """Call with a time that no call can keep."""
    while load.lasts:
        call(load, small(Request_Timeout="1e-6") + _SMALL.body)


def ask_for_another_protocol(load: Load, chance: random.Random) -> None:
    """Call with an upgrade, and send the body in a packet of its own."""
    protocol = small(Connection="Upgrade", Upgrade="h2c")
    while load.lasts:
        call(load, protocol, _SMALL.body)


def close_half(load: Load, chance: random.Random) -> None:
    """Call and close the sending side of the connection."""
    while load.lasts:
        call(load, small() + _SMALL.body, closes_half=True)


def small(**fields: str) -> bytes:
    """Return the head of a small call with further fields."""
    return head(Content_Length=len(_SMALL.body), Content_Type=_SMALL.form.media_type, **fields)


def call(load: Load, *packets: bytes, closes_half: bool = False) -> None:
    """Make a small call on a connection of its own, and check the answer."""
    with load.served.raw() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for packet in packets:
            connection.sendall(packet)
        if closes_half:
            connection.shutdown(socket.SHUT_WR)
        note(load, connection)
    load.pause(_PAUSE)


def note(load: Load, connection: socket.socket) -> None:
    """Count an answer, or the end of a connection without one."""
    try:
        answer = read_answer(connection)
    except (ConnectionError, HTTPException):
        load.hostile["cut"] += 1
        return
    record(load, answer)


def record(load: Load, answer: Answer) -> None:
    """Count an answer, and record a wrong or undocumented one."""
    load.hostile[str(answer.status)] += 1
    fault = _SMALL.fault_of(answer) if answer.status == 200 else None
    if answer.status >= 500:
        fault = undocumented(answer)
    if fault:
        load.faults.append(f"hostile: {fault}")


HOSTILE: list[Role] = [
    send_no_head,
    send_slow_head,
    send_slow_body,
    read_nothing,
    send_bombs,
    leave_no_time,
    ask_for_another_protocol,
    close_half,
]
