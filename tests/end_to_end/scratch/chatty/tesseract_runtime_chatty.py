"""Prints when it is imported and when its hook is asked."""

from collections.abc import Iterable

from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl

print("Hello from an import")


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide a recipe, loudly."""
    print("Hello from a hook")
    yield Recipe(name="chatty", summary="Nothing.", files=dict)
