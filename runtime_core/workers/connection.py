"""The supervisor's end of the connection to a worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from runtime_core.workers.framing import (
    BUSY,
    CHUNK,
    ConnectionEnded,
    Incoming,
    Message,
    Outgoing,
)


class Connection:
    """Sends messages to a worker and forwards its own to `received`, in a running event loop.

    `ended` is called once no further message can come: the other side has hung up, or has sent what
    is not a message, as user code might.
    """

    def __init__(
        self,
        endpoint: socket.socket,
        *,
        received: Callable[[Message], None],
        ended: Callable[[], None],
    ) -> None:
        self._socket = endpoint
        self._received = received
        self._tell_end = ended
        self._loop = asyncio.get_running_loop()
        self._incoming = Incoming()
        self._outgoing = Outgoing(endpoint)
        self.has_ended = False
        endpoint.setblocking(False)
        self._loop.add_reader(endpoint.fileno(), self.read)

    def send(self, message: Message) -> None:
        """Send a message, now or when the socket takes the rest of it."""
        try:
            self._outgoing.send(message)
        except ConnectionEnded:
            self.end()
        if self._outgoing and not self.has_ended:
            self._loop.add_writer(self._socket.fileno(), self._send_rest)

    def read(self) -> None:
        """Forward the messages that have come."""
        if self.has_ended:
            return
        try:
            messages = self._incoming.add(self._socket.recv(CHUNK))
        except BUSY:
            return
        except (OSError, ConnectionEnded):
            self.end()
            return
        for message, _ in messages:
            if not self.has_ended:
                self._received(message)

    def hang_up(self) -> None:
        """Read what has arrived, then end: children of the process may hold its end open."""
        with suppress(OSError):  # either end may be closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        while not self.has_ended:
            self.read()

    def end(self) -> None:
        """Forward no further message."""
        if not self.has_ended:
            self._stop()
            self._tell_end()

    def close(self) -> None:
        """End the connection without a further call of `ended`; an idle worker ends too."""
        self._stop()
        self._socket.close()

    def _stop(self) -> None:
        if not self.has_ended:
            self.has_ended = True
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())

    def _send_rest(self) -> None:
        try:
            self._outgoing.send_rest()
        except ConnectionEnded:
            self.end()
        if not self._outgoing and not self.has_ended:
            self._loop.remove_writer(self._socket.fileno())
