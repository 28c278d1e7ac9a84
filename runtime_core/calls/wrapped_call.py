"""A call inside the wrappers of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runtime_core.calls.scope import Scope
from runtime_core.calls.tracing import Trace
from runtime_core.contracts import Buffer, Call
from runtime_core.errors import AuthorError, TesseractRuntimeError

if TYPE_CHECKING:
    from runtime_core.calls.plan import Plan

Wrapper = Callable[["PlannedCall"], Sequence[Buffer]]

Address = Callable[[Any], str | None]
"""Returns the address of a call for its validated payload."""


class PlannedCall:
    """The `WrappedCall` of one call in its scope, with the wrappers that are still inside."""

    def __init__(
        self,
        plan: Plan,
        call: Call,
        here: Scope,
        trace: Trace,
        wrappers: Sequence[Wrapper],
        address: Address,
    ) -> None:
        self.call = call
        self.begin = trace.begin
        self._plan = plan
        self._here = here
        self._trace = trace
        self._wrappers = iter(wrappers)
        self._address = address

    @cached_property
    def payload(self) -> Any:
        """The validated payload."""
        with _faults_of_author():
            return self._plan.decoded(self.call, self._here, self._trace)

    @cached_property
    def address(self) -> str | None:
        """The address of the call."""
        return self._address(self.payload)

    @property
    def has_files(self) -> bool:
        """Whether the call has logged, or written to the folder of its run."""
        assert self._here.log is not None  # of every call
        folder = self._here.log.run.folder
        written = folder.iterdir() if folder.is_dir() else ()
        return self._here.log.has_files or any(path.name != "logs" for path in written)

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Further headers of the answer over HTTP."""
        return self._here.headers

    def answer(self) -> Sequence[Buffer]:
        """Answer the call by the next wrapper inside, or compute it."""
        wrapper = next(self._wrappers, None)
        if wrapper is not None:
            return wrapper(self)
        with _faults_of_author():
            return self._plan.encoded(self.payload, self.call, self._here, self._trace)


@contextmanager
def _faults_of_author() -> Iterator[None]:
    """Let errors pass through wrappers, whose plugins are not to blame for them."""
    try:
        yield
    except (TesseractRuntimeError, AuthorError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise AuthorError from error
