"""The content of inputs, by which equal inputs are found again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from runtime_core.calls.address import content_parts

_DIGEST_SIZE = 16  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The content of inputs as bytes: equal for equal inputs only, with the digest as its hash."""

    digest: bytes
    parts: tuple[bytes, ...]

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return sum(map(len, self.parts))

    @staticmethod
    def of(inputs: object) -> Content | None:
        """Return the content of inputs, or `None` if they hold an object without one.

        Inputs of two endpoints at the same point have the same content.
        """
        parts = content_parts(inputs)
        if parts is None:
            return None
        state = hashlib.blake2b(digest_size=_DIGEST_SIZE)
        for part in parts:
            state.update(part)
        return Content(digest=state.digest(), parts=parts)
