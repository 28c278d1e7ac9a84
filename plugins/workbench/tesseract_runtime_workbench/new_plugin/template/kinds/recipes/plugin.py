"""The hooks of the plugin."""

from collections.abc import Iterable

from runtime_core.contracts import Recipe, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe."""
    yield Recipe(
        name="acme-example",
        summary="A Tesseract that adds 1.",
        files=lazy_call("acme_example.recipe:files"),
    )
