"""The exception that a case expects, found by name among the imported classes."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
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
    found: type[BaseException] | None = plain.get(name)
    parts = name.split(".")
    for length in range(1, len(parts)):
        place: Any = modules.get(".".join(parts[:length]))
        for part in parts[length:]:
            place = getattr(place, "__dict__", {}).get(part)  # a `__getattr__` might import
        if _is_exception(place):
            found = place
    if found is None:
        raise UnknownName(
            f"No exception {name!r} is imported.{did_you_mean(name, plain)} "
            "A class that is not a builtin is named with its module, as in package.module.Name."
        )
    return found


def mismatch(raised: BaseException, expected: type[BaseException], regex: str | None) -> str | None:
    """Describe how an exception differs from the expected one; `None` if it does not.

    An invalid payload counts as pydantic's `ValidationError` too.

    >>> mismatch(KeyError("k"), LookupError, None) is None
    True
    >>> mismatch(ValueError("too stiff"), ValueError, "converge")
    "expected the text of ValueError to match 'converge', got 'too stiff'"
    """
    invalid = isinstance(raised, InvalidPayload)
    counts = (type(raised), pydantic_core.ValidationError) if invalid else (type(raised),)
    if not any(issubclass(kind, expected) for kind in counts):
        return f"expected {expected.__name__}, got {exception_text(raised)}"
    if regex is None:
        return None
    try:
        text = str(raised)
    except Exception:  # the author's own method failed
        text = ""
    if re.search(regex, text):
        return None
    short = shortened(text, _SHORT)
    return f"expected the text of {expected.__name__} to match {regex!r}, got {short!r}"


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
