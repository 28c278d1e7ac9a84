"""The connections of one client to a server, which are kept for the next call."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import BinaryIO

from runtime_core.contracts import Buffer

_IDLE_SECONDS = 4.0
"""The age at which idle connections are closed: many servers close them after 5 s, and a call at
that moment would be lost, since calls are never repeated."""

_SLICE = 1 << 18  # bytes
_FAILURE = 500


class NotConnected(Exception):
    """A server cannot be reached: nothing has been sent."""


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """An answer of a server, which has been received to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytearray


class Connections:
    """Connections to one server; several threads may send requests at once.

    `connect` makes an unconnected one.
    """

    def __init__(self, connect: Callable[[], HTTPConnection]) -> None:
        self._connect = connect
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._is_closed = False

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Sequence[Buffer] | BinaryIO = (),
        seconds: float | None = None,
    ) -> HttpAnswer:
        """Send a request once, and receive its answer.

        `seconds` is the limit for the next piece that is sent or received. Raises `NotConnected`,
        or `OSError` and `HTTPException` for a connection that breaks, `TimeoutError` among them.
        """
        connection = self._taken()
        try:
            connection.sock.settimeout(seconds)
            with suppress(BrokenPipeError, ConnectionResetError):
                # The server may refuse a request before it has read all of it.
                connection.request(method, target, _pieces(body), headers)
            answer = _received(connection.getresponse())
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, answer)
        return answer

    def close(self) -> None:
        """Close all connections but those of running requests, which close later."""
        self._is_closed = True
        while self._idle:
            self._idle.pop()[0].close()

    def _taken(self) -> HTTPConnection:
        while self._idle:
            with suppress(IndexError):  # another thread has taken the last one
                connection, closing_time = self._idle.pop()
                if time.monotonic() < closing_time and _is_open(connection.sock):
                    return connection
                connection.close()
        connection = self._connect()
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            connection.close()
            raise NotConnected(str(error)) from None
        return connection

    def _give_back(self, connection: HTTPConnection, answer: HttpAnswer) -> None:
        # Some servers disconnect shortly after a failure: the next call needs another connection.
        if self._is_closed or answer.status >= _FAILURE:
            connection.close()
        if connection.sock is not None:  # else the server has closed it
            self._idle.append((connection, time.monotonic() + _IDLE_SECONDS))


def _is_open(connection: socket.socket) -> bool:
    """Check that a server has not closed an idle connection, nor sent anything."""
    connection.settimeout(0)
    try:
        socket.socket.recv(connection, 1, socket.MSG_PEEK)  # also below TLS
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _pieces(body: Sequence[Buffer] | BinaryIO) -> bytes | list[memoryview] | BinaryIO | None:
    """Return a body as one piece if it is small, and in slices of its memory otherwise.

    A file is sent as it is read.
    """
    if not isinstance(body, Sequence):
        return body
    views = [memoryview(piece).cast("B") for piece in body]
    if sum(map(len, views)) <= _SLICE:
        return b"".join(views) or None
    return [view[start : start + _SLICE] for view in views for start in range(0, len(view), _SLICE)]


def _received(response: HTTPResponse) -> HttpAnswer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return HttpAnswer(status=response.status, headers=headers, body=_body(response))


def _body(response: HTTPResponse) -> bytearray:
    if response.length is None:
        body = bytearray()
        while piece := response.read(_SLICE):
            body += piece
        return body
    body = bytearray(response.length)
    with memoryview(body) as view:
        received = 0
        while received < len(body):
            count = response.readinto(view[received:])
            if not count:
                raise IncompleteRead(bytes(view[:received]), len(body) - received)
            received += count
    response.read()  # the end, after which the connection can be used again
    return body
