"""Commands: what the command line offers beside the endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Command:
    """Declares a command.

    `load` returns a function with Typer annotations, or a whole Typer app. A function whose first
    parameter is a `typer.Context` finds the `runtime_core.cli.context.CommandContext` in its
    `obj`.
    """

    name: str
    summary: str
    load: Callable[[], Any]
