"""The hooks of the check of gradients."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the command `check-gradients`."""
    yield Command(
        name="check-gradients",
        summary="Check gradients of endpoints against a finite difference approximation.",
        load=lazy_object("tesseract_runtime_check_gradients.command:app"),
    )
