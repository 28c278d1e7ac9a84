"""Features that are unavailable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """Marks a feature as unavailable, with the reason.

    `reason` is one sentence for the user; it appears in `check`, in `/plugins` and in replies to
    calls of the endpoint.
    """

    reason: str
