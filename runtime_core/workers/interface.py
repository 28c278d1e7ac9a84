"""The interface of workers: calls in, replies out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from runtime_core.contracts import Call, Description, Reply, RunningCall, ServerLoad
from runtime_core.workers.body_buffer import BodyBuffer
from runtime_core.workers.shared_memory import SharedBufferPool


class Workers(ABC):
    """Computes calls inside an `async with`, in order of arrival."""

    def __init__(self) -> None:
        self._shared_buffers = SharedBufferPool()
        self._description: Description | None = None

    @property
    def description(self) -> Description:
        """The description of the Tesseract that the workers have loaded."""
        assert self._description is not None  # only asked inside the `async with`
        return self._description

    @property
    @abstractmethod
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""

    @property
    @abstractmethod
    def running(self) -> Sequence[RunningCall]:
        """The calls that are being computed."""

    @property
    @abstractmethod
    def load(self) -> ServerLoad:
        """The calls that wait, and the workers by state."""

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Load the Tesseract; errors are those of loading."""

    @abstractmethod
    async def __aexit__(self, *_: object) -> None:
        """End the workers."""

    @abstractmethod
    def submit(self, call: Call, answer: Callable[[Reply], None]) -> Any:
        """Take a call, and give its reply to `answer`, at once or later; return a ticket.

        Every failure is a fault of the reply, whose memory must be released. The call owns a body
        that `arriving` has collected.
        """

    @abstractmethod
    def abandon(self, ticket: Any) -> None:
        """Note that the caller has gone: a reply that has not come yet is not given any more."""

    @abstractmethod
    def cut_short(self) -> None:
        """Answer all waiting and running calls as cut short, and take no further call."""

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return a buffer for the body of a call, of `expected` bytes if that is known."""
        return BodyBuffer(self._shared_buffers, expected=expected)

    def release(self, reply: Reply) -> None:
        """Release the memory of a reply, whose body is not used any more."""
        self._shared_buffers.release_body(reply.body)

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Reply]:
        """Compute a call; the body of the reply is valid inside the `async with`."""
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answer(reply: Reply) -> None:
            if answered.done():  # the caller is being cancelled
                self.release(reply)
            else:
                answered.set_result(reply)

        ticket = self.submit(call, answer)
        try:
            reply = await answered
        except asyncio.CancelledError:
            if answered.cancelled():
                self.abandon(ticket)
            else:
                self.release(answered.result())
            raise
        try:
            yield reply
        finally:
            self.release(reply)
