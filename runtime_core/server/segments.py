"""Segments: memory that clients on this machine share for the large arrays of their calls.

A client connects to a socket of its own, `PATH.segments`, and sends one packet with the descriptor
of a memfd. The answer is `{"token": ...}`, or `{"detail": ...}` for a refusal. Calls name the token
in a header, as long as that connection is open. Nothing here reads or maps the memory.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic_core import to_json

from runtime_core.errors import BodyTooLarge, InvalidOption, QueueFull, TesseractRuntimeError
from runtime_core.server.addresses import UnixAddress
from runtime_core.server.admission import Admission
from runtime_core.server.headers import invalid_request
from runtime_core.server.serve_options import ServeOptions

SEGMENT_HEADER = "tesseract-segment"

_MOST = 64  # connections of all clients together, with two descriptors each
_SECONDS_TO_REGISTER = 10.0
_SECONDS_WITHOUT_FILES = 1.0  # between attempts to accept while too many files are open
_MOST_DESCRIPTORS = 4  # in a packet: the kernel drops others, and one is enough
_LONGEST_PACKET = 64  # bytes, which have no meaning
_CREDENTIALS = 12  # bytes of process, user and group: see unix(7)


@dataclass(kw_only=True)
class RegisteredSegment:
    """A segment that the calls of its owner may use, one at a time."""

    descriptor: int
    size: int
    owner: bytes  # credentials
    is_lent: bool = False


class Segments:
    """The segments of the clients of a service on a Unix socket, by token.

    Together they have at most `size` bytes.
    """

    def __init__(self, options: ServeOptions, *, size: int) -> None:
        self._options = options
        self._limits = Admission(slots=_MOST, size=size)
        self._clients: dict[socket.socket, ExitStack] = {}
        self._tokens: dict[socket.socket, str] = {}
        self._registered: dict[str, RegisteredSegment] = {}

    @contextmanager
    def served(self) -> Iterator[None]:
        """Register segments inside the `with`, where this platform has them."""
        if self._options.uds is None or not hasattr(os, "memfd_create"):
            yield
            return
        path = Path(f"{self._options.uds}.segments").absolute()
        with UnixAddress(path, self._options.uds_mode, socket.SOCK_SEQPACKET) as address:
            address.listen()
            address.listener.setblocking(False)
            self._watch(address.listener)
            try:
                yield
            finally:
                asyncio.get_running_loop().remove_reader(address.listener)
                for connection in [*self._clients]:
                    self._end(connection)

    @contextmanager
    def lent(self, token: str, transport: asyncio.Transport | None) -> Iterator[RegisteredSegment]:
        """Lend the segment that the header of a request names to its call.

        Its descriptor is valid inside the `with`, even if the client closes the segment. Raises
        `InvalidPayload` for one of another process, and for one that is being used.
        """
        segment = self._registered.get(token)
        if segment is None or segment.owner != _credentials(transport):
            raise invalid_request("header", SEGMENT_HEADER, "This process has no such segment.")
        if segment.is_lent:
            raise invalid_request("header", SEGMENT_HEADER, "Another call uses the segment.")
        descriptor = os.dup(segment.descriptor)
        segment.is_lent = True
        try:
            yield replace(segment, descriptor=descriptor)
        finally:
            segment.is_lent = False
            os.close(descriptor)

    def _watch(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError:  # the connection still waits: this would be called again at once
            loop.remove_reader(listener)
            loop.call_later(_SECONDS_WITHOUT_FILES, self._watch, listener)
            return
        with ExitStack() as resources, suppress(QueueFull):
            resources.enter_context(connection)
            connection.setblocking(False)
            self._limits.take_slot()
            resources.callback(self._limits.free, slots=1)
            loop.add_reader(connection, self._receive, connection)
            resources.callback(loop.remove_reader, connection)
            late = loop.call_later(_SECONDS_TO_REGISTER, self._end_unless_registered, connection)
            resources.callback(late.cancel)
            self._clients[connection] = resources.pop_all()

    def _receive(self, connection: socket.socket) -> None:
        """Take the packet of a client; its end, or another packet, ends the connection."""
        with ExitStack() as received:
            try:
                packet, descriptors, _, _ = socket.recv_fds(
                    connection, _LONGEST_PACKET, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return
            except OSError:
                packet, descriptors = b"", []
            for descriptor in descriptors:
                received.callback(os.close, descriptor)
            if not packet or connection in self._tokens:
                self._end(connection)
                return
            try:
                answer = {"token": self._register(connection, descriptors)}
                self._clients[connection].push(received.pop_all())
            except TesseractRuntimeError as error:
                answer = {"detail": str(error)}
        with suppress(OSError):  # the client has gone
            connection.send(to_json(answer))
        self._end_unless_registered(connection)

    def _register(self, connection: socket.socket, descriptors: Sequence[int]) -> str:
        size = _checked_size(descriptors, self._options.max_body_size)
        client = self._clients[connection]
        self._limits.reserve(size)
        client.callback(self._limits.free, size=size)
        token = self._tokens[connection] = secrets.token_hex(16)
        owner = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
        segment = RegisteredSegment(descriptor=descriptors[0], size=size, owner=owner)
        self._registered[token] = segment
        return token

    def _end_unless_registered(self, connection: socket.socket) -> None:
        if connection not in self._tokens:
            self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        self._registered.pop(self._tokens.pop(connection, ""), None)
        self._clients.pop(connection).close()


def _checked_size(descriptors: Sequence[int], most: int) -> int:
    """Return the size of the one segment among the descriptors of a packet.

    Raises `InvalidOption` or `BodyTooLarge`.
    """
    try:
        [descriptor] = descriptors
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)  # fails for all but memory
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    except (ValueError, OSError):
        raise InvalidOption("A segment is registered by one packet with one memfd.") from None
    kept, forbidden = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE
    if seals & kept != kept or seals & forbidden or flags & os.O_ACCMODE != os.O_RDWR:
        raise InvalidOption(
            "A segment must be writable, and sealed by F_SEAL_SHRINK and F_SEAL_GROW."
        )
    if os.fstatvfs(descriptor).f_bsize != mmap.PAGESIZE:  # a worker could be killed for using it
        raise InvalidOption("A segment must not have huge pages.")
    size = os.fstat(descriptor).st_size
    if not 0 < size <= most:
        raise BodyTooLarge(f"A segment has 1 to {most} bytes, the limit of --max-body-size.")
    return size


def _credentials(transport: asyncio.Transport | None) -> bytes | None:
    """Return the credentials of the process that has opened the connection of a request."""
    if transport is None:
        return None
    peer = transport.get_extra_info("socket")
    credentials: bytes = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
    return credentials
