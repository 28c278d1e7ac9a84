"""Commands: what the command line offers beside the endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.config import RuntimeConfig
    from runtime_core.runtime import Runtime


class CommandContext(Protocol):
    """What a command finds as `typer.Context.obj`."""

    @property
    def catalog(self) -> Catalog:
        """Return everything that the installed plugins provide."""

    @property
    def config(self) -> RuntimeConfig:
        """Return the configuration made of flags and environment."""

    def runtime(self) -> Runtime:
        """Return the runtime of this process; the Tesseract is loaded when it is first asked."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Declares a command.

    `load` returns a function with Typer annotations, whose first parameter is a `typer.Context`
    if it has use for the `CommandContext`, or a whole Typer app.
    """

    name: str
    summary: str
    load: Callable[[], Any]
