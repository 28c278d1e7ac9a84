"""References to a part of a file: `PATH[:OFFSET[:COMPRESSED_SIZE]]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?P<path>.+?)(?::(?P<offset>\d{1,18})(?::(?P<size>\d{1,18}))?)?", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Where the bytes of an array are: `size` is known of compressed ones only."""

    path: str
    offset: int = 0
    size: int | None = None

    def __str__(self) -> str:
        """Return the text that stands in documents."""
        size = "" if self.size is None else f":{self.size}"
        return f"{self.path}:{self.offset}{size}"


def read_reference(text: object) -> Reference:
    """Parse a reference; `ValueError` for anything else.

    >>> read_reference("s3://bucket/a.bin:80")
    Reference(path='s3://bucket/a.bin', offset=80, size=None)
    """
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("the buffer must be a string PATH[:OFFSET[:COMPRESSED_SIZE]]")
    size = match["size"]
    return Reference(
        path=match["path"],
        offset=int(match["offset"] or 0),
        size=None if size is None else int(size),
    )
