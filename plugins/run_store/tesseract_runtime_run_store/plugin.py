"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command `runs`."""
    yield Command(
        name="runs",
        summary="List, show, compare, repeat, send and remove runs.",
        load=lazy_object("tesseract_runtime_run_store.command:app"),
    )
