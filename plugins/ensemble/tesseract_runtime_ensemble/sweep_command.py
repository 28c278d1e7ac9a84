"""The command `sweep`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer
from pydantic_core import to_json

from runtime_core.cli import CommandContext, read_payload
from runtime_core.runtime import Runtime
from tesseract_runtime_ensemble.command import (
    Destination,
    Errors,
    Out,
    Overwrite,
    Resume,
    compute,
)
from tesseract_runtime_ensemble.computation import OnError
from tesseract_runtime_ensemble.ensemble import Ensemble
from tesseract_runtime_ensemble.points import Sampler, Sampling, points_of
from tesseract_runtime_ensemble.specification import parse_assignments, split_assignment
from tesseract_runtime_ensemble.sweep import sweep_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_NO_BASE = b'{"inputs": {}}'


@app.command("sweep")
def command(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[BASE] NAME=SPEC...",
            help="The payload that all points share, as @PATH, - or JSON, and inputs with their "
            "values: a list [1,2,3], linspace(START,STOP,NUMBER), logspace, arange, or a "
            "distribution uniform(LOW,HIGH), loguniform, normal(MEAN,DEVIATION).",
            show_default=False,
        ),
    ],
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    on_error: Errors = OnError.RECORD,
    in_pairs: Annotated[
        bool,
        typer.Option(
            "--zip",
            envvar="TESSERACT_RUNTIME_SWEEP_ZIP",
            help="Change all inputs together, not in every combination.",
        ),
    ] = False,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Number of samples of distributions.")
    ] = None,
    sampler: Annotated[
        Sampler, typer.Option(help="A Latin hypercube, or a Sobol sequence.")
    ] = Sampler.LHS,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the points as lines of JSON, and stop.")
    ] = False,
) -> None:
    """Compute apply for many values of some inputs, and write a row of each result to a table.

    NAME is the path of an input, such as beta, grid.[2].k or x[3]. Without --zip every combination
    of values is computed. Evaluations run as --executor says. A command that was interrupted or
    killed goes on with --resume: no row is lost or computed twice.
    """
    has_base = _is_payload(arguments[0])
    assignments = parse_assignments(arguments[has_base:])
    sampling = Sampling(samples=samples, sampler=sampler, seed=seed)
    points = points_of(assignments, sampling, in_pairs=in_pairs)
    base, base_format = _NO_BASE, "json"
    if has_base:
        base, base_format = read_payload(arguments[0], context.obj.catalog)
    facts = {
        "inputs": dict(map(split_assignment, arguments[has_base:])),
        "order of the inputs": ", ".join(assignments),
        "digest of the base": hashlib.sha256(base).hexdigest(),
        "--zip": in_pairs,
        "samples": None if samples is None else f"{samples} by {sampler} with seed {seed}",
    }
    make = partial(sweep_of, points, base, base_format, facts)
    if dry_run:
        _print_points(context.obj, make)
    else:
        destination = Destination(out=out, resume=resume, overwrite=overwrite)
        compute(context.obj, "apply", make, destination, on_error)


def _is_payload(text: str) -> bool:
    """Check for a payload; names may begin with a bracket or a brace too."""
    return text[:1] in ("@", "-") or (text[:1] == "{" and text.rstrip()[-1:] == "}")


def _print_points(context: CommandContext, make: Callable[[Runtime], Ensemble]) -> None:
    with context.session() as runtime:
        ensemble = make(runtime)
    for index, evaluation in ensemble.evaluations(lambda _: True):
        typer.echo(to_json({"index": index, "inputs": evaluation.inputs}).decode())
    typer.echo(f"{ensemble.number} evaluations of {ensemble.endpoint}.", err=True)
