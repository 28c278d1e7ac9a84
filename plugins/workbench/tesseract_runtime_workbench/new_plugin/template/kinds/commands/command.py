"""The command."""

from typing import Annotated

import typer


def command(
    context: typer.Context,
    greeting: Annotated[str, typer.Option(help="What to say to it.")] = "Hello",
) -> None:
    """Print the name of the Tesseract."""
    print(f"{greeting} {context.obj.config.name}")
