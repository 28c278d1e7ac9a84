"""The guard around the callables of plugins.

What a callable raises or returns against its contract becomes `PluginFailed`, which names the
plugin. Errors of the runtime and of the author's code pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial, update_wrapper
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any, final

from runtime_core.catalog import Registered
from runtime_core.errors import AuthorError, PluginFailed, TesseractRuntimeError, listed
from runtime_core.message_texts import exception_text
from runtime_core.plugins.answer_checks import Check, Wrong, is_callable, shown
from runtime_core.plugins.keyword_call import KeywordCall, UnknownParameter

Methods = Mapping[str, tuple[Check | None, tuple[type[Exception], ...]]]
"""The methods of an object by name, each with its check and the exceptions that pass."""

_PASSING = (TesseractRuntimeError, AuthorError, MemoryError)
"""The exceptions that any callable may raise."""


@final
class Guarded:
    """A callable of a plugin whose faults are `PluginFailed`."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        failed: Callable[[str], PluginFailed],
        check: Check | None,
        passing: tuple[type[Exception], ...],
    ) -> None:
        update_wrapper(self, function)
        self._function = function
        self._check = check
        self._passing = passing
        self.failed = failed

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function and check its answer."""
        try:
            answer = self._function(*arguments, **named)
        except self._passing:
            raise
        except UnknownParameter as unknown:
            raise self.failed(f"it has {unknown}") from None
        except (Exception, SystemExit) as error:
            raise self.failed(exception_text(error)) from error
        if self._check is None:
            return answer
        try:
            return self._check(answer, *arguments)
        except Wrong as wrong:
            raise self.failed(f"it returned {wrong}") from None

    def load(self) -> None:
        """Import the function, if that is left to its first call."""
        if isinstance(self._function, KeywordCall):
            try:
                self._function.load()
            except UnknownParameter as unknown:
                raise self.failed(f"it has {unknown}") from None
            except (Exception, SystemExit) as error:
                raise self.failed(exception_text(error)) from error


@final
class GuardedApplication:
    """An ASGI application of a plugin whose faults are `PluginFailed`."""

    def __init__(
        self,
        application: Callable[..., Any],
        *,
        failed: Callable[[str], PluginFailed],
        passing: tuple[type[Exception], ...],
    ) -> None:
        self._application = application
        self._failed = failed
        self._passing: tuple[type[Exception], ...] = (*_PASSING, *passing)

    async def __call__(self, *connection: Any) -> None:
        """Answer a request, or the messages of a WebSocket."""
        try:
            running = self._application(*connection)
            if isawaitable(running):
                await running
                return
        except self._passing:
            raise
        except (Exception, SystemExit) as error:
            raise self._failed(exception_text(error)) from error
        raise self._failed(f"it returned {shown(running)}, expected an awaitable")


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Guards the callables of one declaration."""

    entry: Registered[Any]
    hook: str

    def of(
        self,
        stage: str,
        function: Any,
        check: Check | None = None,
        passing: tuple[type[Exception], ...] = (),
    ) -> Any:
        """Guard a callable; `stage` names it, and exceptions of the types `passing` pass.

        Raises `Wrong` for anything else than a callable.
        """
        if not callable(function):
            raise Wrong(f"{shown(function)} as {stage}, expected a function")
        return Guarded(
            function,
            failed=partial(self.failed, stage),
            check=check,
            passing=(*_PASSING, *passing),
        )

    def optional(self, stage: str, function: Any, check: Check | None = None) -> Any:
        """Guard a callable, or return `None` if there is none."""
        return None if function is None else self.of(stage, function, check)

    def application(
        self, stage: str, application: Any, passing: tuple[type[Exception], ...]
    ) -> GuardedApplication:
        """Guard an ASGI application."""
        return GuardedApplication(
            is_callable(application), failed=partial(self.failed, stage), passing=passing
        )

    async def awaited(self, stage: str, pending: Awaitable[Any]) -> None:
        """Await what a callable has returned."""
        try:
            await pending
        except (Exception, SystemExit) as error:
            raise self.failed(stage, exception_text(error)) from error

    def methods(self, table: Methods, answer: Any, *_: Any) -> Any:
        """Guard the methods of an object."""
        missing = [name for name in table if not callable(getattr(answer, name, None))]
        if missing:
            raise Wrong(f"{shown(answer)} without the methods {listed(missing)}")
        guarded = {name: self.of(name, getattr(answer, name), *how) for name, how in table.items()}
        return SimpleNamespace(**guarded)

    def failed(self, stage: str, problem: str) -> PluginFailed:
        """Make the error of a callable."""
        entry = self.entry
        place = (
            f"Plugin {entry.plugin} ({entry.origin}) failed in {stage} of {self.hook} "
            f"{entry.value.name!r}"
        )
        return PluginFailed(place, problem, declaration=entry.value.name)
