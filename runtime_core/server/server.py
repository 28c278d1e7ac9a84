"""The state that the routes of one service share."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Description, Reply
from runtime_core.server.admission import Admission
from runtime_core.server.negotiation import Negotiation
from runtime_core.server.request_body import BodyReader
from runtime_core.server.serve_options import ServeOptions
from runtime_core.workers import BodyBuffer, Workers

_log = logging.getLogger(__name__)


class Server:
    """The `ServerContext` of one service, whose workers have loaded the Tesseract."""

    def __init__(
        self, *, catalog: Catalog, config: RuntimeConfig, options: ServeOptions, workers: Workers
    ) -> None:
        self.catalog = catalog
        self.config = config
        self.options = options
        self.admission = Admission(
            slots=options.num_workers + options.queue_size, size=options.max_queued_bytes
        )
        self.bodies = BodyReader(limit=options.max_body_size)
        self.negotiation = Negotiation(catalog, config)
        self.workers = workers
        self._observers: list[Callable[[Call, Reply], None]] = []

    @property
    def description(self) -> Description:
        """The description of the Tesseract that is served."""
        return self.workers.description

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""
        return self.workers.problem

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return a buffer for the body of a call, of `expected` bytes if that is known."""
        return self.workers.arriving(expected)

    def add_observer(self, observe: Callable[[Call, Reply], None]) -> None:
        """Show every computed call, with its reply, to a function of an extension."""
        self._observers.append(observe)

    def call(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`."""
        return self._observed(call) if self._observers else self.workers.call(call)

    @asynccontextmanager
    async def _observed(self, call: Call) -> AsyncIterator[Reply]:
        async with self.workers.call(call) as reply:
            for observe in self._observers:
                try:
                    observe(call, reply)
                # An observer must not spoil the answer.
                except Exception:
                    _log.exception("An observer of calls failed.")
            yield reply
