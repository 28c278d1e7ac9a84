"""The interface of workers: what computes the calls of a server."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol, Self

from runtime_core.contracts import Call, Description, Reply
from runtime_core.workers.body_buffer import BodyBuffer


class Workers(Protocol):
    """Computes calls somewhere; used in an `async with`."""

    @property
    def description(self) -> Description:
        """The description of the Tesseract, inside the `async with`."""

    @property
    def problem(self) -> str | None:
        """The reason why no call can be computed at the moment, or `None`."""

    def arriving(self, expected: int | None) -> BodyBuffer:
        """Return a buffer for the body of a call, of `expected` bytes if that is known."""

    def cut_short(self) -> None:
        """Answer waiting and running calls as cut short, as far as that is possible."""

    def call(self, call: Call) -> AbstractAsyncContextManager[Reply]:
        """Compute a call; every failure is a fault of the reply.

        The body of the reply is valid inside the `async with`. A body that was collected by
        `arriving` belongs to the call from then on.
        """

    async def __aenter__(self) -> Self:
        """Load the Tesseract; errors are those of loading."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop computing."""
