"""The result of a declaration that cannot provide what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """Marks a feature as unavailable, with the reason.

    `reason` is one sentence for the user; it appears in `check`, in `/plugins` and in the answer
    to a call of the missing endpoint.
    """

    reason: str
