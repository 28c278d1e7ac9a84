"""The outcomes of many calls, of which some are computed ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

from runtime_core.errors import TesseractRuntimeError, UnreadableDocument
from runtime_core.run_logs import new_run_id
from tesseract_runtime_client.errors import TesseractFailed, Unreachable, ValidationError
from tesseract_runtime_client.submissions import Pending, Submissions

_OF_ONE_CALL = (TesseractFailed, Unreachable, UnreadableDocument, ValidationError)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one call of `Tesseract.map`: its result, or the `error` in its place.

    `index` is the place of its inputs among all, from 0, and `run_id` names its run.
    """

    index: int
    run_id: str
    error: TesseractRuntimeError | None = None
    value: Any = None

    @property
    def result(self) -> Any:
        """The result; raises the error of a call that has failed.

        >>> Outcome(index=0, run_id="fit-7", error=TesseractFailed("no", 500, "fit-7")).result
        Traceback (most recent call last):
        ...
        tesseract_runtime_client.errors.TesseractFailed: no (run fit-7)
        """
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, kw_only=True, eq=False)
class _PendingCall:
    """A call and its place among all."""

    index: int
    run_id: str
    call: Pending

    def outcome(self) -> Outcome:
        """Wait for the outcome; errors that concern other calls too are raised."""
        try:
            value = self.call.result()
        except _OF_ONE_CALL as error:
            return Outcome(index=self.index, run_id=self.run_id, error=error)
        return Outcome(index=self.index, run_id=self.run_id, value=value)


def outcomes(
    submissions: Submissions, payloads: Iterable[Mapping[str, Any]], *, ordered: bool
) -> Iterator[Outcome]:
    """Submit calls and yield their outcomes, in their order or as soon as they are known."""
    pending: deque[_PendingCall] = deque()
    for index, payload in enumerate(payloads):
        run_id = new_run_id()
        call = submissions.submit(payload, run_id)
        pending.append(_PendingCall(index=index, run_id=run_id, call=call))
        if len(pending) >= submissions.ahead:
            yield _next(pending, ordered=ordered).outcome()
    while pending:
        yield _next(pending, ordered=ordered).outcome()


def _next(pending: deque[_PendingCall], *, ordered: bool) -> _PendingCall:
    """Remove the next call whose outcome is to be given."""
    futures = {item.call: item for item in pending if isinstance(item.call, Future)}
    if ordered or not futures:
        return pending.popleft()
    done, _ = wait(futures, return_when=FIRST_COMPLETED)
    item = futures[done.pop()]
    pending.remove(item)
    return item
