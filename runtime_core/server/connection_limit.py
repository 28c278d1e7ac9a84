"""The limit on open connections, beyond which only probes are answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_core.server.http_protocol import BoundedHttpProtocol

_log = logging.getLogger(__name__)

_RESERVED_FOR_PROBES = 16  # such connections; for a further one the oldest is cut


class ConnectionLimit:
    """The most connections of a server, and those beyond them that are open for probes only."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.beyond: dict[BoundedHttpProtocol, None] = {}  # the oldest first

    def admit_for_probes(self, connection: BoundedHttpProtocol) -> None:
        """Count a connection beyond the limit, and cut the oldest if there are too many."""
        if not self.beyond:
            _log.warning("Too many connections: %d are open.", self.most)
        self.beyond[connection] = None
        if len(self.beyond) > _RESERVED_FOR_PROBES:
            next(iter(self.beyond)).transport.abort()
