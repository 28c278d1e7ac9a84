"""The state that the routes of one service share."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Description, Reply, RunningCall
from runtime_core.server.admission import Admission
from runtime_core.server.negotiation import Negotiation
from runtime_core.server.request_body import BodyReader
from runtime_core.server.serve_options import ServeOptions
from runtime_core.workers import Workers

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
        self.observers: list[Callable[[Call, Reply], None]] = []  # of every computed call

    @property
    def description(self) -> Description:
        """The description of the Tesseract that is served."""
        return self.workers.description

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""
        return self.workers.problem

    @property
    def running(self) -> Sequence[RunningCall]:
        """The calls that are being computed."""
        return self.workers.running

    def call(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`."""
        return self._observed(call) if self.observers else self.workers.call(call)

    @asynccontextmanager
    async def _observed(self, call: Call) -> AsyncIterator[Reply]:
        async with self.workers.call(call) as reply:
            for observe in self.observers:
                try:
                    observe(call, reply)
                # An observer must not spoil the answer.
                except Exception:
                    _log.exception("An observer of calls failed.")
            yield reply
