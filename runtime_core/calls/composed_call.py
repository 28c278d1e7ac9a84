"""The faults of a call that one endpoint makes of another, at their places in its own payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from runtime_core.errors import InvalidPayload
from runtime_core.paths import Field, Index, Key, Step, parse

Location = tuple[str | int, ...]


def relocated(
    refused: InvalidPayload, endpoint: str, places: Mapping[str, str]
) -> InvalidPayload | ValueError:
    """Return the refusal of a caller's payload, of which that of another `endpoint` was made.

    `places` maps paths in the payload of that endpoint to those in the caller's. Without a fault of
    the caller it is a `ValueError`, because the plugin has made an invalid payload itself.
    """
    moves = {_location(inner): _location(outer) for inner, outer in places.items()}
    details = []
    for fault in refused.details:
        loc = tuple(fault["loc"])
        fitting = [inner for inner in moves if loc[: len(inner)] == inner]
        if fitting:
            inner = max(fitting, key=len)
            details.append({**fault, "loc": [*moves[inner], *loc[len(inner) :]]})
    if details:
        return InvalidPayload(details)
    return ValueError(f"it has made an invalid payload for {endpoint}: {refused}")


def _location(path: str) -> Location:
    """Return a path in the form in which faults have their places."""
    return tuple(_STEPS[type(step)](step) for step in parse(path))


_STEPS: Mapping[type[Step], Callable[[Any], str | int]] = MappingProxyType(
    {Field: attrgetter("name"), Index: attrgetter("position"), Key: attrgetter("key")}
)
