"""The supervisor's end of the connection to a worker."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from runtime_core.workers.framing import CHUNK, ConnectionEnded, Incoming, Message, pieces
from runtime_core.workers.process_exit import settle

_BUSY = (BlockingIOError, InterruptedError)


class Connection:
    """Sends one message at a time to a worker and waits for its answer, in a running event loop.

    An unexpected message ends the connection: it comes from another process that holds it open.
    """

    def __init__(self, endpoint: socket.socket) -> None:
        self._socket = endpoint
        self._loop = asyncio.get_running_loop()
        self._incoming = Incoming()
        self._unsent = b""
        self._is_asked = self._has_ended = False
        self._answer: Message | None = None
        self._waiter: asyncio.Future[None] | None = None
        endpoint.setblocking(False)
        self._loop.add_reader(endpoint.fileno(), self._read)

    def ask(self, message: Message) -> None:
        """Send a message, or as much of it as the socket takes at once."""
        self._answer, self._is_asked = None, True
        text = b"".join(pieces(message))
        try:
            if message.descriptors:
                sent = socket.send_fds(self._socket, [text], message.descriptors)
            else:
                sent = self._socket.send(text)
        except OSError as error:
            sent = 0
            # Descriptors go with the first byte: they cannot be sent later.
            if message.descriptors or not isinstance(error, _BUSY):
                self._end()
        self._unsent = text[sent:]

    async def answer(self) -> Message:
        """Wait for the answer to the last message; `ConnectionEnded` if none can come.

        After a cancellation another task may wait for the same answer.
        """
        if self._unsent and not self._has_ended:
            await self._send_rest()
        while self._answer is None:
            if self._has_ended:
                raise ConnectionEnded
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._answer

    def hang_up(self) -> None:
        """Read what has arrived, then end: children of the process may hold its end open."""
        with suppress(OSError):  # either end may be closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection; an idle worker ends too."""
        self._end()
        self._socket.close()

    async def _send_rest(self) -> None:
        rest, self._unsent = self._unsent, b""
        try:
            await self._loop.sock_sendall(self._socket, rest)
        except BaseException as error:  # an unknown part has been sent
            self._end()
            if not isinstance(error, OSError):
                raise

    def _read(self) -> None:
        try:
            answer = self._incoming.add(self._socket.recv(CHUNK))
        except _BUSY:
            return
        except (OSError, ConnectionEnded):
            self._end()
            return
        if answer is not None and not self._is_asked:
            self._end()
        elif answer is not None:
            self._answer, self._is_asked = answer, False
            self._wake()

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._loop.remove_reader(self._socket.fileno())
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None:
            settle(self._waiter, None)
