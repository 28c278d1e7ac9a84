"""Checks of what plugins declare and return."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from runtime_core.contracts import Buffer

Check = Callable[..., Any]
"""Returns the answer of a callable, or raises `Wrong`; it gets the arguments of the call too."""


class Wrong(Exception):
    """An answer that its contract forbids; the text completes "it returned"."""


def shown(answer: Any) -> str:
    """Describe an answer by its type.

    >>> shown(None), shown("text"), shown(5)
    ('None', 'a str', 'an int')
    """
    name = type(answer).__name__
    return "None" if answer is None else f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


def is_a(*types: type[Any]) -> Check:
    """Return the check that an answer is an instance of one of some types."""
    names = " or ".join("None" if one is type(None) else one.__name__ for one in types)

    def check(answer: Any, *_: Any) -> Any:
        if not isinstance(answer, types):
            raise Wrong(f"{shown(answer)}, expected {names}")
        return answer

    return check


def is_callable(answer: Any, *_: Any) -> Any:
    """Check that an answer is a function."""
    if not callable(answer):
        raise Wrong(f"{shown(answer)}, expected a function")
    return answer


def is_manager(*methods: str) -> Check:
    """Return the check that an answer is a context manager of some kind."""

    def check(answer: Any, *_: Any) -> Any:
        if not all(hasattr(answer, method) for method in methods):
            raise Wrong(f"{shown(answer)}, expected a context manager")
        return answer

    return check


def are_buffers(answer: Any, *_: Any) -> Any:
    """Check that an answer is a list of buffers."""
    if not isinstance(answer, list | tuple):
        raise Wrong(f"{shown(answer)}, expected a list of buffers")
    for piece in answer:
        if not isinstance(piece, Buffer):
            raise Wrong(f"{shown(piece)} among the buffers")
    return answer


def check_texts(declaration: Any, *names: str) -> None:
    """Check that fields hold several texts: a single text would be taken letter by letter."""
    for name in names:
        value = getattr(declaration, name)
        if isinstance(value, str) or not isinstance(value, Collection):
            raise Wrong(f"{value!r:.60} as {name}, expected a tuple of texts")
        if not all(isinstance(text, str) for text in value):
            raise Wrong(f"{name} that are not all texts")
