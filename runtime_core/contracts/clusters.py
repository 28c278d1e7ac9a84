"""The targets of executors that compute on clusters."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime_core.cores import usable_cores
from runtime_core.errors import ExecutorFailed, InvalidOption

_SECONDS = 5.0  # which a connection through the slowest network takes
_SECONDS_TO_GREET = 8.0  # which a busy scheduler takes to accept one
_LONGEST_GREETING = 64  # bytes


@dataclass(frozen=True, kw_only=True)
class ClusterTarget:
    """A cluster at an `address`, or a new one of this machine with a number of `workers`."""

    address: str = ""
    workers: int = 0


def cluster_target(target: str, forms: str) -> ClusterTarget:
    """Parse `SCHEME://HOST:PORT` or `SCHEME://local?workers=N`, without N one worker a core.

    Raises `InvalidOption` with the valid `forms` for any other text.

    >>> cluster_target("acme://head:7000", "acme://HOST:PORT")
    ClusterTarget(address='head:7000', workers=0)
    """
    try:
        parts = urlsplit(target)
        if parts.hostname == "local" and parts.port is None:
            return ClusterTarget(workers=_workers(parts.query))
        if parts.hostname and parts.port:
            return ClusterTarget(address=parts.netloc)
    except ValueError:  # of a port, an address in brackets or a number of workers
        pass
    raise InvalidOption(f"--executor {target!r} is not valid: expected {forms}.")


def require_listener(
    target: str, address: str, advice: str, *, greets: Callable[[bytes], bool] | None = None
) -> None:
    """Raise `ExecutorFailed` with advice if nothing listens at the address of a target.

    With `greets`, which recognizes the first bytes of a listener that speaks first, it is raised
    for any other program that listens there too.
    """
    parts = urlsplit(f"//{address}")
    try:
        connection = socket.create_connection((str(parts.hostname), parts.port or 0), _SECONDS)
    except OSError as error:
        problem = f"nothing answers at {address} ({error})"
    else:
        with connection:
            if greets is None or greets(_greeting(connection)):
                return
        problem = f"another program listens at {address}, or one that is too busy to answer"
    raise ExecutorFailed(f"--executor {target}: {problem}. {advice}")


def _greeting(connection: socket.socket) -> bytes:
    """Return the first bytes that a listener sends by itself, if there are any."""
    connection.settimeout(_SECONDS_TO_GREET)
    try:
        return connection.recv(_LONGEST_GREETING)
    except OSError:  # it waits for us to speak, or has hung up
        return b""


def _workers(query: str) -> int:
    if not query:
        return usable_cores()
    name, _, number = query.partition("=")
    if name != "workers" or not number.isdecimal() or int(number) == 0:
        raise ValueError(query)
    return int(number)
