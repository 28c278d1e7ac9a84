"""The limits of MLflow for keys, values and requests, from its private `utils.validation`."""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from runtime_core.errors import shortened

LONGEST_KEY = 250
LONGEST_PARAMETER = 6_000
LONGEST_TAG = 5_000
MOST_PARAMETERS = 100
MOST_METRICS = 900  # a request may have 1000 entries, of which 100 are parameters
_LARGEST_HALF = 450_000  # bytes of parameters, and of metrics; a request may have a megabyte

_FORBIDDEN = re.compile(r"[^/\w.\- :]")

_log = logging.getLogger(__name__)

_Item = TypeVar("_Item")


class Keys:
    """Unique MLflow names of the keys of one kind in one run."""

    def __init__(self, kind: str, run_id: str) -> None:
        self._kind = kind
        self._run_id = run_id
        self._names: dict[str, str] = {}

    def name(self, key: str) -> str:
        """Return the name of a key; one warning reports a name that differs from its key."""
        if key in self._names:
            return self._names[key]
        name = allowed_key(key)
        if name in self._names.values():
            name = f"{name[: LONGEST_KEY - 9]}_{zlib.crc32(key.encode('utf-8', 'replace')):08x}"
        self._names[key] = name
        if name != key:
            _log.warning(
                "%s %r of run %s is called %r in MLflow, which does not take that key.",
                self._kind,
                shortened(key),
                self._run_id,
                shortened(name),
            )
        return name


def allowed_key(key: str) -> str:
    """Return the nearest key that MLflow accepts.

    >>> allowed_key("loss/train"), allowed_key("x[0]"), allowed_key("../x")
    ('loss/train', 'x_0_', '_/x')
    """
    parts = _FORBIDDEN.sub("_", key)[:LONGEST_KEY].split("/")
    return "/".join("_" if part in ("", ".", "..") else part for part in parts)[:LONGEST_KEY]


def text(value: object) -> str:
    """Return the text of a value, without characters that databases refuse.

    >>> text(0.5), text(True), text("a")
    ('0.5', 'True', 'a')
    """
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def cut(value: str, longest: int) -> str:
    """Return the beginning of a text.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return value if len(value) <= longest else f"{value[: longest - 1]}…"


def size(*texts: str) -> int:
    """Return the approximate size in bytes of an entry of a request."""
    return 120 + sum(len(json.dumps(part)) for part in texts)


def batches(
    items: Iterable[_Item], most: int, size_of: Callable[[_Item], int]
) -> Iterator[list[_Item]]:
    """Yield items in order, in batches that fit into a request."""
    batch: list[_Item] = []
    taken = 0
    for item in items:
        needed = size_of(item)
        if batch and (len(batch) == most or taken + needed > _LARGEST_HALF):
            yield batch
            batch, taken = [], 0
        batch.append(item)
        taken += needed
    if batch:
        yield batch
