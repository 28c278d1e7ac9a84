"""The target of `--executor`: an address, or a number of workers here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from runtime_core.errors import InvalidOption

_FORMS = "ray://HOST:PORT, ray://auto or ray://local?workers=N"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The address of a cluster, or a number of `workers` to start here."""

    address: str | None = None
    workers: int | None = None


def parse_target(target: str) -> Target:
    """Parse a target; `InvalidOption` for any other text."""
    try:
        return _parsed(target)
    except ValueError:  # of the port, or of an address in brackets
        raise _invalid(target) from None


def _parsed(target: str) -> Target:
    parts = urlsplit(target)
    if target == "ray://auto":
        return Target(address="auto")
    if parts.hostname == "local" and parts.port is None:
        return Target(workers=_workers(target, parts.query))
    if parts.hostname and parts.port:
        return Target(address=target)
    raise _invalid(target)


def copies(target: str) -> int:
    """Return the number of workers that are started here."""
    return parse_target(target).workers or 0


def _workers(target: str, query: str) -> int:
    """Return the number of workers, by default one each core."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    text = options.pop("workers", "")
    if options or (query and not (text.isdecimal() and int(text))):
        raise _invalid(target)
    return int(text) if text else os.cpu_count() or 1


def _invalid(target: str) -> InvalidOption:
    return InvalidOption(f"--executor {target!r} is not valid: expected {_FORMS}.")
