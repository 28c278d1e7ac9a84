"""A plugin whose entry point has the same name as another's."""

from collections.abc import Iterable

from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe of plugin one of two."""
    yield Recipe(name="twin-one", summary="Nothing.", files=dict)
