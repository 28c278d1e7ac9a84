"""Cancelling a call whose client has disconnected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

_PATIENCE = 0.05  # seconds; most calls end before a task that watches them is worth its cost


@asynccontextmanager
async def cancelled_on_disconnect(receive: Receive) -> AsyncIterator[None]:
    """Cancel the `with` block if the client disconnects; its body must have been received."""
    loop = asyncio.get_running_loop()
    watches: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(None) as limit:
            timer = loop.call_later(
                _PATIENCE, lambda: watches.append(loop.create_task(_watch(receive, limit)))
            )
            try:
                yield
            finally:
                timer.cancel()
                for watch in watches:
                    watch.cancel()
    except TimeoutError:
        if not limit.expired():
            raise


async def _watch(receive: Receive, limit: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    limit.reschedule(asyncio.get_running_loop().time())
