"""The addresses of a service: a port of a host, or the path of a Unix socket."""

from __future__ import annotations

import os
import socket
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, final

from runtime_core.errors import InvalidOption

_BACKLOG = 2048


class Address(ABC):
    """An address that is reserved inside the `with`, and taken when `listen` is called.

    Raises `InvalidOption` if it cannot be.
    """

    listener: socket.socket

    def __init__(self, name: str, options: str) -> None:
        self._name = name
        self._options = options

    def __enter__(self) -> Self:
        with self._named_in_errors():
            self._reserve()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self._release()

    def listen(self) -> None:
        """Take connections from now on."""
        with self._named_in_errors():  # another server may have taken the address meanwhile
            self._take()
            self.listener.listen(_BACKLOG)

    @abstractmethod
    def url(self, scheme: str) -> str:
        """Return the URL of a service that speaks `http` or `https` at the address."""

    @abstractmethod
    def _reserve(self) -> None:
        """Make the socket; `OSError` if the address cannot be used."""

    @abstractmethod
    def _take(self) -> None:
        """Bind the socket, unless it has been bound."""

    @abstractmethod
    def _release(self) -> None:
        """Remove what the address leaves in file systems."""

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidOption(
                f"Cannot serve on {self._name}: {reason}. Choose another with {self._options}."
            ) from None


@final
class TcpAddress(Address):
    """A port of a host; with 0 a free one."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}", "--port or --host")
        self._host = host
        self._port = port

    def url(self, scheme: str) -> str:
        """Return the URL with the port in use."""
        host, port = self.listener.getsockname()[:2]
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def _reserve(self) -> None:
        stream = socket.SOCK_STREAM
        family, _, _, _, address = socket.getaddrinfo(self._host, self._port, type=stream)[0]
        self.listener = socket.socket(family, stream)
        try:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(address)
        except BaseException:
            self.listener.close()
            raise

    def _take(self) -> None:
        pass  # it is bound from the beginning, so that its number is known

    def _release(self) -> None:
        pass


@final
class UnixAddress(Address):
    """The path of a Unix socket, which only users may open whom `mode` lets write.

    The socket of a server that has ended is replaced. Until `listen` the path is free: a bound
    socket on which no process listens yet looks like one of these.
    """

    def __init__(self, path: Path, mode: int, kind: int = socket.SOCK_STREAM) -> None:
        super().__init__(str(path), "--uds")
        self._path = path
        self._mode = mode
        self._kind = kind
        self._file: os.stat_result | None = None

    def url(self, scheme: str) -> str:
        """Return the path as a URL."""
        return f"unix://{self._path}"

    def _reserve(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX, self._kind)
        try:
            self._require_free()
        except BaseException:
            self.listener.close()
            raise

    def _take(self) -> None:
        if self._require_free():
            self._path.unlink()
        self.listener.bind(str(self._path))
        self._file = self._path.lstat()
        self._path.chmod(self._mode)  # no process can connect before `listen`

    def _release(self) -> None:
        with suppress(OSError):  # another server may have replaced it
            if self._file is not None and os.path.samestat(self._path.lstat(), self._file):
                self._path.unlink()

    def _require_free(self) -> bool:
        """Raise `OSError` if the path is in use; return whether an old socket is there."""
        self._path.parent.stat()
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISSOCK(mode):
            raise OSError("it exists and is not a socket")
        with socket.socket(socket.AF_UNIX, self._kind) as caller, suppress(ConnectionRefusedError):
            caller.settimeout(0)
            with suppress(BlockingIOError):  # its queue of connections is full
                caller.connect(str(self._path))
            raise OSError("another server listens there")
        return True
