"""The command `init`: the files of a new Tesseract, and what to do with them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from tesseract_runtime_workbench.init.folder import write_new
from tesseract_runtime_workbench.init.recipes import files_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)

STEPS = (
    ("tesseract_api.py", "tesseract-runtime check"),
    ("test_cases", "tesseract-runtime test test_cases"),
    ("inputs.json", "tesseract-runtime apply @inputs.json"),
    ("inputs.json", "tesseract-runtime check-gradients @inputs.json"),
    ("tesseract_api.py", "tesseract-runtime serve"),
)
"""What to type next in a folder that holds a file or folder of this name."""


@app.command("init")
def init(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to write to; it is made if needed.")
    ] = Path(),
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What to start from: base, jax, or any other that a plugin provides.",
        ),
    ] = "base",
) -> None:
    """Write the files of a new Tesseract.

    They work as they are: change the schemas and functions of tesseract_api.py to your own. Files
    that are already there are never written over; then nothing is written.
    """
    files = files_of(recipe, context.obj.catalog)
    for path in write_new(folder, files):
        typer.echo(f"Wrote {path}")
    typer.echo("\nNext:")
    for step in _next_steps(folder, files):
        typer.echo(f"  {step}")


def _next_steps(folder: Path, files: Collection[str]) -> Iterator[str]:
    if folder.resolve() != Path.cwd():
        yield f"cd {shlex.quote(str(folder))}"
    names = {PurePosixPath(name).parts[0] for name in files}
    yield from (command for name, command in STEPS if name in names)
