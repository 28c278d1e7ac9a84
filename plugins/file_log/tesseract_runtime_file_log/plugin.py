"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, RunSink, deferred, imported
from runtime_core.hookspecs import hookimpl


@hookimpl
def run_sinks() -> Iterable[RunSink]:
    """Provide the default sink."""
    yield RunSink(
        name="file",
        summary="Files in the folder of the run.",
        schemes=("file",),
        open=deferred("tesseract_runtime_file_log.writing:open_run"),
        local=True,
        default=True,
        clear=deferred("tesseract_runtime_file_log.writing:clear"),
        check=deferred("tesseract_runtime_file_log.writing:check"),
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command `runs`."""
    yield Command(
        name="runs",
        summary="List, show, send and remove what runs have logged to files.",
        load=imported("tesseract_runtime_file_log.command:app"),
    )
