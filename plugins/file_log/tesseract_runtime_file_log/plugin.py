"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, RunSink, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def run_sinks() -> Iterable[RunSink]:
    """Provide the default sink."""
    yield RunSink(
        name="file",
        summary="Files in the folder of the run.",
        schemes=("file",),
        open=lazy_call("tesseract_runtime_file_log.writing:open_run"),
        local=True,
        default=True,
        check=lazy_call("tesseract_runtime_file_log.writing:check"),
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command `runs`."""
    yield Command(
        name="runs",
        summary="List, show, send and remove what runs have logged to files.",
        load=lazy_object("tesseract_runtime_file_log.command:app"),
    )
