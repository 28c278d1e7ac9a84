"""The command `check-gradients`."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime_core.cli import CommandContext, OnlyInputs, Payload, completed, read_payload
from runtime_core.errors import InvalidOption, shortened
from tesseract_runtime_workbench.check_gradients.gradient_check import Settings, check_gradients
from tesseract_runtime_workbench.check_gradients.report import report

Names = list[str] | None

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("check-gradients")
def command(
    context: typer.Context,
    payload: Payload,
    only_inputs: OnlyInputs = False,
    endpoints: Annotated[
        Names, typer.Option(metavar="NAME", help="Endpoints to check (default: all).")
    ] = None,
    input_paths: Annotated[
        Names, typer.Option(metavar="PATH", help="Differentiable inputs to check (default: all).")
    ] = None,
    output_paths: Annotated[
        Names, typer.Option(metavar="PATH", help="Differentiable outputs to check (default: all).")
    ] = None,
    eps: Annotated[float, typer.Option(help="Step size for finite differences.")] = 1e-4,
    eps_for: Annotated[
        Names, typer.Option(metavar="PATH=VALUE", help="Step size for one input, before --eps.")
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative tolerance of the comparison.")] = 0.1,
    max_evals: Annotated[int, typer.Option(help="Maximum number of evaluations per input.")] = 1000,
    max_failures: Annotated[
        int, typer.Option(help="Maximum number of failures to report per endpoint.")
    ] = 10,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed for random numbers (default: a random one).")
    ] = None,
    taylor: Annotated[
        bool,
        typer.Option("--taylor", help="Test the order of the remainder instead, without a step."),
    ] = False,
    show_progress: Annotated[
        bool, typer.Option("--show-progress", help="Show progress at once, not only after 2 s.")
    ] = False,
) -> None:
    """Check gradients of endpoints against a finite difference approximation.

    The payload is that of apply. Random elements of the inputs are moved up and down by a step,
    and the derivatives that jacobian, jacobian_vector_product and vector_jacobian_product give are
    compared with the change of the outputs. Both products are also compared with each other, with
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
        taylor=taylor,
    )
    given: CommandContext = context.obj
    read = read_payload(payload, given.catalog)
    body, body_format = completed(read, given, "apply", only_inputs=only_inputs, wrt=None, of=None)
    with given.session() as runtime:
        if show_progress:
            runtime.progress.show_at_once()
        inputs = runtime.payload("apply", body, body_format).inputs
        done = check_gradients(runtime, inputs, settings)
    typer.echo("\n".join(report(done, max(max_failures, 0))))
    if not done.passed:
        raise typer.Exit(1)


def _path_and_step(text: str) -> tuple[str, float]:
    """Parse `PATH=VALUE`; a path may have `=` in a key."""
    path, _, value = text.rpartition("=")
    try:
        return path, float(value)
    except ValueError:
        raise InvalidOption(
            f"--eps-for cannot be {shortened(text)!r}: it must be PATH=VALUE, such as x=0.01."
        ) from None
