"""Commands of the command line, besides those of endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Command:
    """Declares a command; `plugins NAME` is the name of one in the group `plugins`.

    `load` returns a function with Typer annotations, or a Typer app. The `obj` of a `typer.Context`
    is the `runtime_core.cli.CommandContext`, whose `session` gives the Tesseract.
    """

    name: str
    summary: str
    load: Callable[[], Any]
