"""The exception that a case expects, found by its name among the classes that are imported."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pydantic_core

from runtime_core import errors
from runtime_core.calls.faults import exception_text
from runtime_core.errors import InvalidPayload, did_you_mean, shortened

_PLAIN = (builtins, errors, pydantic_core)
"""The modules whose exceptions are named without them."""

_SHORT = 200


def find_exception(name: str, modules: Mapping[str, ModuleType]) -> type[BaseException] | None:
    """Return an exception class by its name, such as `ValueError` or `package.module.Name`.

    Only what modules hold already is looked at: nothing is imported because a case says so.

    >>> import json.decoder, sys
    >>> find_exception("json.decoder.JSONDecodeError", sys.modules).__name__
    'JSONDecodeError'
    >>> find_exception("ValueEror", sys.modules) is None
    True
    """
    places = _dotted(name.split("."), modules) if "." in name else _plain(name)
    return next(filter(_is_exception, places), None)


def unknown_exception(name: str) -> str:
    """Return what to write in the place of a name that no imported exception has."""
    names = [n for module in _PLAIN for n, value in vars(module).items() if _is_exception(value)]
    return (
        f"No exception {name!r} is imported.{did_you_mean(name, names)} "
        "A class that is not a builtin is named with its module, as in package.module.Name."
    )


def mismatch(raised: BaseException, expected: type[BaseException], regex: str | None) -> str | None:
    """Return how an exception is not the expected one, or `None` if it is.

    An invalid payload counts as pydantic's `ValidationError` too.

    >>> mismatch(KeyError("k"), LookupError, None) is None
    True
    >>> mismatch(ValueError("too stiff"), ValueError, "converge")
    "expected the text of ValueError to match 'converge', got 'too stiff'"
    """
    if not _counts_as(raised, expected):
        return f"expected {expected.__name__}, got {exception_text(raised)}"
    if regex is None or re.search(regex, _text(raised)):
        return None
    got = shortened(_text(raised), _SHORT)
    return f"expected the text of {expected.__name__} to match {regex!r}, got {got!r}"


def _plain(name: str) -> Iterator[Any]:
    yield from (vars(module)[name] for module in _PLAIN if name in vars(module))


def _dotted(parts: list[str], modules: Mapping[str, ModuleType]) -> Iterator[Any]:
    """Yield what a dotted name leads to, for each module that its beginning names.

    Attributes are read without calling a `__getattr__`, which might import.
    """
    for length in range(len(parts) - 1, 0, -1):
        found: Any = modules.get(".".join(parts[:length]))
        for part in parts[length:]:
            found = getattr(found, "__dict__", {}).get(part)
        yield found


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _counts_as(raised: BaseException, expected: type[BaseException]) -> bool:
    if isinstance(raised, InvalidPayload) and issubclass(pydantic_core.ValidationError, expected):
        return True
    return isinstance(raised, expected)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # it is the author's own method
        return ""
