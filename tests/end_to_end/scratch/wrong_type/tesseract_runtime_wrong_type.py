"""Gives the name of a format instead of a format."""

from collections.abc import Iterable

from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[str]:
    """Provide a string."""
    yield "arrow"
