"""Parts of messages: similar names, lists, numbers, exceptions and faults of documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_LONGEST_NAME = 255  # characters of plugins, encodings, backends, endpoints and fields


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return `" Did you mean 'jax'?"` for the choice most similar to `name`, or `""`.

    >>> did_you_mean("jacks", ["jax", "derived"])
    " Did you mean 'jax'?"
    >>> did_you_mean("zebra", ["jax"])
    ''
    """
    if len(name) > _LONGEST_NAME:
        return ""  # a caller's text, whose comparison would take longer than its reading
    import difflib  # for messages only

    near = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def listed(names: Collection[str]) -> str:
    """Join names in alphabetical order, for messages.

    >>> listed({"json", "base64"})
    'base64, json'
    """
    return ", ".join(sorted(names)) or "none"


def shortened(text: str, length: int = 60) -> str:
    """Shorten a text for a message.

    >>> shortened("abcdef", 3)
    'abc...'
    """
    return text if len(text) <= length else f"{text[:length]}..."


def number_text(value: object) -> str:
    """Format a number; Python refuses to format integers of thousands of digits.

    >>> number_text(7), number_text(10**400)
    ('7', 'an integer of 1329 bits')
    """
    if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    return str(value)


_LONGEST_INTEGER = 256
_LONGEST_TEXT = 10_000  # characters of an exception


def exception_text(error: BaseException) -> str:
    """Return type and text of an exception, whatever its class does.

    >>> exception_text(ValueError("no")), exception_text(KeyboardInterrupt())
    ('ValueError: no', 'KeyboardInterrupt')
    """
    name, text = class_name(error), own_text(error).strip()
    return f"{name}: {shortened(text, _LONGEST_TEXT)}" if text else name


def class_name(error: BaseException) -> str:
    """Return the name of the class of an exception, whatever its metaclass does."""
    name: str = vars(type)["__name__"].__get__(type(error))
    return name


def own_text(error: BaseException) -> str:
    """Return the text of an exception; empty if its own method fails."""
    try:
        return unicode_text(str(error))
    except (Exception, SystemExit):  # it is the author's own method
        return ""


def unicode_text(text: str) -> str:
    """Return a text without lone surrogates, which names of files may have."""
    return str.encode(text, "utf-8", "replace").decode("utf-8")  # the class may be the author's


def fault_lines(details: Sequence[Mapping[str, Any]], *, root: str = "payload") -> str:
    """Format the faults of a document, one per line, each with its path."""
    return "\n".join(
        f"{'.'.join(str(part) for part in detail['loc']) or root}: {detail['msg']}"
        for detail in details
    )
