"""The command `init`: writes the files of a new Tesseract and lists the next steps."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from tesseract_runtime_workbench.init.recipe_files import files_of
from tesseract_runtime_workbench.new_files import announce, write_new

app = typer.Typer(rich_markup_mode=None, add_completion=False)

STEPS = (
    ("tesseract_api.py", "tesseract-runtime check"),
    ("test_cases", "tesseract-runtime test"),
    ("inputs.json", "tesseract-runtime apply @inputs.json"),
    ("inputs.json", "tesseract-runtime check-gradients @inputs.json"),
    ("tesseract_api.py", "tesseract-runtime serve"),
)
"""The next commands, each for recipes with a file or folder of this name."""

IGNORED = "# Files of runs, and compiled modules.\n/logs\n/run_*/\n/.runs.sqlite3\n__pycache__/\n"
"""The `.gitignore` of a new Tesseract, for recipes that have none of their own."""


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
            help="The recipe to start from: base, jax, or any other that a plugin provides.",
        ),
    ] = "base",
) -> None:
    """Write the files of a new Tesseract.

    They work unchanged: replace the schemas and functions of tesseract_api.py by your own. If any
    of the files exists already, nothing is written; only your own .gitignore is kept.
    """
    files = files_of(recipe, context.obj.catalog)
    if not (folder / ".gitignore").exists():
        files = {**files, ".gitignore": IGNORED}
    names = {PurePosixPath(name).parts[0] for name in files}
    steps = [command for name, command in STEPS if name in names]
    announce(write_new(folder, files), folder, steps)
