"""The command `map`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from tesseract_runtime_ensemble.command import Destination, Errors, Out, Overwrite, Resume, compute
from tesseract_runtime_ensemble.computation import OnError
from tesseract_runtime_ensemble.payloads import payloads_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("map")
def command(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint, such as apply.")],
    inputs: Annotated[
        str,
        typer.Argument(
            help="A file with one JSON payload on each line, a folder or a pattern of files with "
            "one payload each, or - for lines on stdin."
        ),
    ],
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    on_error: Errors = OnError.RECORD,
) -> None:
    """Compute an endpoint for many payloads, and write a row of each result to a table.

    Evaluations run as --executor says. A command that was interrupted or killed goes on with
    --resume: no row is lost or computed twice.
    """
    name = endpoint.replace("-", "_")
    context.obj.catalog.endpoints.find(name)
    destination = Destination(out=out, resume=resume, overwrite=overwrite)
    with ExitStack() as opened:
        compute(
            context.obj,
            name,
            lambda _: payloads_of(
                inputs, name, context.obj.catalog, opened, out=destination.table().path
            ),
            destination,
            on_error,
        )
