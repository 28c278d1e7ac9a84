"""A plugin whose entry point has the same name as another's."""

from collections.abc import Iterable

from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe of plugin two of two."""
    yield Recipe(name="twin-two", summary="Nothing.", files=dict)
