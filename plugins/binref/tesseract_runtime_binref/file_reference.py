"""References to a part of a file: `PATH[:OFFSET[:COMPRESSED_SIZE]]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?P<path>.+?)(?::(?P<offset>\d{1,18})(?::(?P<size>\d{1,18}))?)?", re.DOTALL
)

_LONGEST = 4200  # characters: a path of 4095, and two numbers


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The place of an array's bytes; `size` is set for compressed ones only."""

    path: str
    offset: int = 0
    size: int | None = None

    def __str__(self) -> str:
        size = "" if self.size is None else f":{self.size}"
        return f"{self.path}:{self.offset}{size}"


def read_reference(text: object) -> Reference:
    """Parse a reference; `ValueError` if it is not valid.

    >>> read_reference("s3://bucket/a.bin:80")
    Reference(path='s3://bucket/a.bin', offset=80, size=None)
    """
    readable = isinstance(text, str) and len(text) <= _LONGEST
    match = _REFERENCE.fullmatch(str(text)) if readable else None
    if match is None:
        raise ValueError(
            "the buffer must be a string PATH[:OFFSET[:COMPRESSED_SIZE]] of at most "
            f"{_LONGEST} characters"
        )
    size = None if match["size"] is None else int(match["size"])
    return Reference(path=match["path"], offset=int(match["offset"] or 0), size=size)
