"""Has the hook `fromats`."""

from typing import Any

from runtime_core.hookspecs import hookimpl


@hookimpl
def fromats() -> list[Any]:
    """Provide formats, if it were spelled like that."""
    return []
