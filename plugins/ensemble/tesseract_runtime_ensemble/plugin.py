"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands `map` and `sweep`."""
    yield Command(
        name="map",
        summary="Compute an endpoint for many payloads.",
        load=lazy_object("tesseract_runtime_ensemble.map_command:app"),
    )
    yield Command(
        name="sweep",
        summary="Compute apply for many values of some inputs.",
        load=lazy_object("tesseract_runtime_ensemble.sweep_command:app"),
    )
