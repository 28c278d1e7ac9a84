"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, Endpoint, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide `POST /test`, which a server has with `--debug` only."""
    return (
        Endpoint(
            name="test",
            summary="Hold the Tesseract against one regression case.",
            bind=lazy_call("tesseract_runtime_regression_test.endpoint:bind"),
        ),
    )


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command that runs files and folders of cases."""
    return (
        Command(
            name="test",
            summary="Hold the Tesseract against regression cases.",
            load=lazy_object("tesseract_runtime_regression_test.command:test"),
        ),
    )
