"""The command `check-gradients`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from runtime_core.cli.payloads import Payload, read_payload
from runtime_core.cli.standard_streams import stdout_to_stderr
from runtime_core.errors import OUTCOMES, InvalidOption, InvalidPayload, shortened
from runtime_core.faults import author_fault
from runtime_core.tesseract_api import AuthorError
from tesseract_runtime_check_gradients.check import Settings, check_gradients
from tesseract_runtime_check_gradients.payload import inputs_of
from tesseract_runtime_check_gradients.progress import progress_bar, silent
from tesseract_runtime_check_gradients.report import report
from tesseract_runtime_check_gradients.results import GradientCheck

if TYPE_CHECKING:
    from runtime_core.cli.context import CommandContext

Names = list[str] | None


app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("check-gradients")
def command(
    context: typer.Context,
    payload: Payload,
    endpoints: Annotated[
        Names,
        typer.Option(
            metavar="NAME",
            help="Endpoints to check gradients for (default: check all).",
        ),
    ] = None,
    input_paths: Annotated[
        Names,
        typer.Option(
            metavar="PATH",
            help="Paths to differentiable inputs to check gradients for (default: check all).",
        ),
    ] = None,
    output_paths: Annotated[
        Names,
        typer.Option(
            metavar="PATH",
            help="Paths to differentiable outputs to check gradients for (default: check all).",
        ),
    ] = None,
    eps: Annotated[float, typer.Option(help="Step size for finite differences.")] = 1e-4,
    eps_for: Annotated[
        Names,
        typer.Option(metavar="PATH=VALUE", help="Step size for one input, instead of --eps."),
    ] = None,
    rtol: Annotated[
        float,
        typer.Option(help="Relative tolerance when comparing finite differences to gradients."),
    ] = 0.1,
    max_evals: Annotated[int, typer.Option(help="Maximum number of evaluations per input.")] = 1000,
    max_failures: Annotated[
        int, typer.Option(help="Maximum number of failures to report per endpoint.")
    ] = 10,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="INTEGER",
            help="Seed for random number generator. If not set, a random seed is used.",
        ),
    ] = None,
    show_progress: Annotated[
        bool, typer.Option("--show-progress", help="Show progress bar.")
    ] = False,
) -> None:
    """Check gradients of endpoints against a finite difference approximation.

    The payload is that of apply. Random elements of the inputs are moved up and down by a step,
    and the derivatives that jacobian, jacobian_vector_product and vector_jacobian_product give are
    held against the change of the outputs. Both products are also held against each other, with
    random vectors.

    Finite differences are not exact and the comparison is done with a tolerance: a check may fail
    although the gradients are right, and pass although they are wrong. For inputs that are large
    or in single precision choose a larger step than the default.
    """
    settings = Settings(
        endpoints=endpoints or (),
        input_paths=input_paths or (),
        output_paths=output_paths or (),
        eps=eps,
        eps_for=dict(map(_path_and_step, eps_for or ())),
        rtol=rtol,
        max_evals=max_evals,
        seed=seed,
    )
    with stdout_to_stderr():
        done = _checked(context.obj, payload, settings, show_progress=show_progress)
    typer.echo("\n".join(report(done, max(max_failures, 0))))
    if not done.passed:
        raise typer.Exit(1)


def _checked(
    context: CommandContext, payload: str, settings: Settings, *, show_progress: bool
) -> GradientCheck:
    """Return the result of the check, or end with a message and the exit code of its fault."""
    body, format_name = read_payload(payload, context.catalog)
    runtime = context.runtime()
    try:
        inputs = inputs_of(runtime, body, format_name)
        with runtime.set_up(), progress_bar() if show_progress else nullcontext(silent) as track:
            return check_gradients(runtime, inputs, settings, track)
    except InvalidPayload as error:
        lines = str(error).replace("\n", "\n  ")
        typer.echo(f"Error: The payload of check-gradients is not valid:\n  {lines}", err=True)
        raise typer.Exit(OUTCOMES[error.kind].exit_code) from None
    except AuthorError as error:
        fault = author_fault(error.cause)
        if context.config.debug:
            typer.echo(fault.trace, err=True)
        typer.echo(f"Error: {fault.message}", err=True)
        raise typer.Exit(fault.outcome.exit_code) from None


def _path_and_step(text: str) -> tuple[str, float]:
    """Read `PATH=VALUE`; a path may have `=` in a key."""
    path, _, value = text.rpartition("=")
    try:
        return path, float(value)
    except ValueError:
        raise InvalidOption(
            f"--eps-for cannot be {shortened(text)!r}: it must be PATH=VALUE, such as x=0.01."
        ) from None
