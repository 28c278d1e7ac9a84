"""The command `greet` and its settings."""

from __future__ import annotations

from collections.abc import Iterable

import typer
from pydantic import BaseModel, Field

from runtime_core.contracts import Command, Settings
from runtime_core.hookspecs import hookimpl


class GreetSettings(BaseModel):
    """How to greet."""

    name: str = Field("you", description="Who is greeted.")
    times: int = Field(1, description="How often.", ge=1)


def greet(context: typer.Context, mark: str = "!") -> None:
    """Greet the person that the settings name."""
    settings = context.obj.config.section("greet")
    for _ in range(settings.times):
        print(f"Hello {settings.name}{mark}")


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the greeting."""
    yield Command(name="greet", summary="Greet a person.", load=lambda: greet)


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide what the greeting asks."""
    yield Settings(name="greet", summary="How to greet.", load=lambda: GreetSettings)
