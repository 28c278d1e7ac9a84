"""Calling a declaration's function by keyword, with the arguments that it names.

So a contract can offer more in a later version, and plugins that do not name it still work.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, final

from runtime_core.contracts import LazyCall
from runtime_core.errors import did_you_mean, listed


class UnknownParameter(Exception):
    """A function requires an argument that its contract does not offer."""


@final
class KeywordCall:
    """A function that takes those of the arguments of its contract that it names.

    Raises `UnknownParameter` at once, or at its first call if the function is imported then.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        offered: Sequence[str],
        known: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._function = function
        self._offered = offered
        self._known = known  # is told the arguments that the function names
        if not isinstance(function, LazyCall):
            _ = self._named

    def __call__(self, **arguments: Any) -> Any:
        """Call the function."""
        return self._function(**{name: arguments[name] for name in self._named})

    def load(self) -> None:
        """Import the function, if that is left to its first call."""
        _ = self._named

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """The arguments that the function names."""
        function = self._function
        if isinstance(function, LazyCall):
            function = function.load()
        named = tuple(_named(function, self._offered))
        self._known(named)
        return named


FACTS = ("run_id", "deadline", "metadata")
"""The facts of a call that the function of an endpoint may name beside its payload."""


def facts_named(answer: Callable[..., Any]) -> tuple[str, ...]:
    """Return the facts that the function of an endpoint names.

    Raises `UnknownParameter` for another parameter that it requires.
    """
    one_argument = partial(answer, None)
    try:
        inspect.signature(one_argument)
    except ValueError:  # of a function in C, or of one that does not take the payload
        return ()
    return tuple(_named(one_argument, FACTS))


def _named(function: Callable[..., Any], offered: Sequence[str]) -> Iterator[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of a function in C, which then takes everything
        yield from offered
        return
    for each in parameters:
        if each.kind is each.VAR_KEYWORD:
            yield from (name for name in offered if name not in {one.name for one in parameters})
        elif each.name in offered and each.kind is not each.POSITIONAL_ONLY:
            yield each.name
        elif each.default is each.empty and each.kind is not each.VAR_POSITIONAL:
            suggestion = did_you_mean(each.name, offered)
            raise UnknownParameter(
                f"the parameter {each.name!r}, which its contract does not offer.{suggestion} It "
                f"can name: {listed(offered) or 'none'}"
            )
