"""The targets of executors that compute on clusters."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime_core.cores import usable_cores
from runtime_core.errors import ExecutorFailed, InvalidOption

_SECONDS = 5.0  # which a connection through the slowest network takes


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


def require_listener(target: str, address: str, advice: str) -> None:
    """Raise `ExecutorFailed` with advice if nothing listens at the address of a target."""
    parts = urlsplit(f"//{address}")
    try:
        socket.create_connection((str(parts.hostname), parts.port or 0), _SECONDS).close()
    except OSError as error:
        problem = f"nothing answers at {address} ({error})"
        raise ExecutorFailed(f"--executor {target}: {problem}. {advice}") from None


def _workers(query: str) -> int:
    if not query:
        return usable_cores()
    name, _, number = query.partition("=")
    if name != "workers" or not number.isdecimal() or int(number) == 0:
        raise ValueError(query)
    return int(number)
