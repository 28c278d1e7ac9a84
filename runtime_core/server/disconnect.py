"""Noticing that a client has gone while its call is computed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

from runtime_core.server.cancelling import OwnCancellation

_PATIENCE = 0.05  # seconds; most calls are done before it is worth a look


class Attendance:
    """Cancels what is inside the `with` once the client has hung up.

    The body must have been received.
    """

    def __init__(self, receive: Receive) -> None:
        self._cancellation = OwnCancellation.of_current_task()
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._begin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        return self._cancellation.settle(kind)

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancellation.request()
