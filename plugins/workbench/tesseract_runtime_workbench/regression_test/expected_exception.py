"""The exception that a case expects, found by its name among the classes that are imported."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pydantic_core

from runtime_core import errors
from runtime_core.calls import exception_text
from runtime_core.errors import InvalidPayload, UnknownName, did_you_mean, shortened

_PLAIN = (builtins, errors, pydantic_core)  # their exceptions are named without a module

_SHORT = 200


def find_exception(name: str, modules: Mapping[str, ModuleType]) -> type[BaseException]:
    """Find an exception class by its name, such as `ValueError` or `package.module.Name`.

    Only imported modules are searched; a case does not import any. Raises `UnknownName`.

    >>> import json.decoder, sys
    >>> find_exception("json.decoder.JSONDecodeError", sys.modules).__name__
    'JSONDecodeError'
    """
    plain = {n: v for module in _PLAIN for n, v in vars(module).items() if _is_exception(v)}
    found = _dotted(name.split("."), modules) if "." in name else [plain.get(name)]
    exception: type[BaseException]
    for exception in filter(_is_exception, found):
        return exception
    raise UnknownName(
        f"No exception {name!r} is imported.{did_you_mean(name, plain)} "
        "A class that is not a builtin is named with its module, as in package.module.Name."
    )


def mismatch(raised: BaseException, expected: type[BaseException], regex: str | None) -> str | None:
    """Describe how an exception differs from the expected one; `None` if it does not.

    An invalid payload counts as pydantic's `ValidationError` too.

    >>> mismatch(KeyError("k"), LookupError, None) is None
    True
    >>> mismatch(ValueError("too stiff"), ValueError, "converge")
    "expected the text of ValueError to match 'converge', got 'too stiff'"
    """
    invalid = isinstance(raised, InvalidPayload) and issubclass(
        pydantic_core.ValidationError, expected
    )
    if not invalid and not isinstance(raised, expected):
        return f"expected {expected.__name__}, got {exception_text(raised)}"
    text = _text(raised)
    if regex is None or re.search(regex, text):
        return None
    return (
        f"expected the text of {expected.__name__} to match {regex!r}, "
        f"got {shortened(text, _SHORT)!r}"
    )


def _dotted(parts: list[str], modules: Mapping[str, ModuleType]) -> Iterator[Any]:
    """Yield the object at a dotted name, for each module that its beginning names.

    Attributes are read without calling a `__getattr__`, which might import.
    """
    for length in range(len(parts) - 1, 0, -1):
        found: Any = modules.get(".".join(parts[:length]))
        for part in parts[length:]:
            found = getattr(found, "__dict__", {}).get(part)
        yield found


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the author's own method failed
        return ""
