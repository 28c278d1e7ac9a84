"""The answer of a declaration that cannot serve what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """Says that something is not to be had here, and why.

    `reason` is one sentence for the user; it appears in `check`, in `/plugins` and in the answer
    to a call of the missing thing.
    """

    reason: str
