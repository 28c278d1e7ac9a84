"""The submission of many calls: in this thread, in threads, or to an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, Protocol

from tesseract_runtime_client.errors import ValidationError
from tesseract_runtime_client.transport import Answer, ManyCalls, Request

Compute = Callable[[Mapping[str, Any], str], Any]
"""Returns the result of a payload, for a run of an id."""

_PER_THREAD = 4
"""Calls that are submitted for each thread, so that a slow one does not hold up the others."""


class Pending(Protocol):
    """A call that has been submitted."""

    def result(self) -> Any:
        """Wait for the result, or raise the error of the call."""


@dataclass(frozen=True, kw_only=True)
class Submissions:
    """A way to submit calls, of which `ahead` may be pending.

    Results are awaited in the order of submission unless `submit` returns `Future`s.
    """

    submit: Callable[[Mapping[str, Any], str], Pending]
    ahead: int


@dataclass(frozen=True)
class _Deferred:
    """A call whose result is computed or read when it is wanted."""

    result: Callable[[], Any]


@contextmanager
def in_threads(compute: Compute, number: int) -> Iterator[Submissions]:
    """Compute in some threads; a single call at a time in the one that waits for its result.

    At the end, calls that have not begun are dropped, and the others are not awaited.
    """
    if number == 1:
        yield Submissions(submit=lambda *call: _Deferred(partial(compute, *call)), ahead=1)
        return
    threads = ThreadPoolExecutor(number, thread_name_prefix="tesseract-map")
    try:
        yield Submissions(
            submit=lambda *call: threads.submit(copy_context().run, compute, *call),
            ahead=_PER_THREAD * number,
        )
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def to_executor(
    calls: ManyCalls,
    request: Callable[[Mapping[str, Any], str], Request],
    read: Callable[[Answer], Any],
) -> Submissions:
    """Submit requests to an executor, and read its answers when they are wanted."""

    def submit(*call: Any) -> Pending:
        try:
            answer = calls.submit(request(*call))
        except ValidationError as error:
            return _Deferred(partial(_raise, error))
        return _Deferred(lambda: read(answer()))

    return Submissions(submit=submit, ahead=calls.concurrency)


def _raise(error: ValidationError) -> NoReturn:
    raise error
