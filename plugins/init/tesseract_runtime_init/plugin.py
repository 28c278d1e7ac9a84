"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, Recipe, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command `init`."""
    yield Command(
        name="init",
        summary="Write the files of a new Tesseract.",
        load=lazy_object("tesseract_runtime_init.command:app"),
    )


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe `base`."""
    yield Recipe(
        name="base",
        summary="A Tesseract in numpy, with a Jacobian.",
        files=lazy_call("tesseract_runtime_init.template:files"),
    )
