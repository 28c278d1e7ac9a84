"""The command `runs`: list, show, compare, repeat, send and remove runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import to_json

from runtime_core.calls import exception_text
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Metric, RunStatus
from runtime_core.errors import InvalidOption, RunNotLogged
from runtime_core.files import is_url
from runtime_core.run_logs import (
    LogTarget,
    SentRun,
    StoredRun,
    configured_targets,
    stored_run,
    stored_runs,
)
from tesseract_runtime_run_store.comparison import differences
from tesseract_runtime_run_store.index import listed_facts
from tesseract_runtime_run_store.pruning import age, remove, superfluous

if TYPE_CHECKING:
    from runtime_core.cli import CommandContext

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="List, show, compare, repeat, send and remove runs.",
    no_args_is_help=True,
)

OutputPath = Annotated[
    str | None,
    typer.Option("-o", "--output-path", help="The output path of the runs.", show_default=False),
]
RunName = Annotated[str, typer.Argument(metavar="ID", help="The id of a run, or its beginning.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_runs(
    context: typer.Context, output_path: OutputPath = None, as_json: AsJson = False
) -> None:
    """List the runs, the newest first: id, endpoint, status and start."""
    folder = _folder(context.obj, output_path)
    runs = stored_runs(folder, listed_facts(folder))
    if as_json:
        _print_json([_facts(run) for run in runs])
        return
    if not runs:
        typer.echo(f"There are no runs in {folder}.", err=True)
    for run in runs:
        started = run.started.astimezone().isoformat(" ", "seconds")
        typer.echo(f"{run.id:36}  {run.endpoint:24} {run.status:9} {started}")


@app.command("show")
def show_run(
    context: typer.Context, run_id: RunName, output_path: OutputPath = None, as_json: AsJson = False
) -> None:
    """Show everything that a run has logged."""
    run = stored_run(_folder(context.obj, output_path), run_id)
    if as_json:
        _print_json({**_facts(run), **_logged(run)})
        return
    typer.echo("\n".join(_described(run)))
    typer.echo(run.text, nl=False)


@app.command("compare")
def compare_runs(
    context: typer.Context, run_id: RunName, other: RunName, output_path: OutputPath = None
) -> None:
    """Show what two runs do not share: Tesseract, versions, payload, logs and outcome."""
    folder = _folder(context.obj, output_path)
    for line in differences(stored_run(folder, run_id), stored_run(folder, other)):
        typer.echo(line)


@app.command("rerun")
def rerun_run(context: typer.Context, run_id: RunName, output_path: OutputPath = None) -> None:
    """Compute the payload of a run again, as a new run, and compare the two."""
    from tesseract_runtime_run_store.rerun import rerun  # it may load a Tesseract

    folder = _folder(context.obj, output_path)
    stored = stored_run(folder, run_id)
    again = rerun(context.obj, stored, folder)
    same = stored.facts.get("outcome") == again.facts.get("outcome")
    verdict = "has the same result as" if same else "differs from"
    typer.echo("\n".join([f"Run {again.id} {verdict} {stored.id}", *differences(stored, again)]))
    if not same:
        raise typer.Exit(1)


@app.command("clean")
def clean_runs(
    context: typer.Context,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Keep this many of the newest runs.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Remove only what is older, such as 7d.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only print what would be removed.")] = False,
    output_path: OutputPath = None,
) -> None:
    """Remove runs with all their files, except those that may still be running."""
    if keep is None and older_than is None:
        raise InvalidOption("Say what to remove with --keep N, --older-than AGE, or both.")
    folder = _folder(context.obj, output_path)
    limit = None if older_than is None else age(older_than)
    for run in superfluous(stored_runs(folder), keep=keep, older_than=limit):
        typer.echo(f"{'Would remove' if dry_run else 'Removed'} {run.id}")
        if not dry_run:
            remove(run)


@app.command("send")
def send_run(
    context: typer.Context,
    run_id: RunName,
    log_to: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="The target, such as mlflow+http://host:5000."),
    ] = None,
    output_path: OutputPath = None,
) -> None:
    """Send a run to a tracker that does not have it."""
    command: CommandContext = context.obj
    config = command.config
    if log_to:
        config = config.model_copy(update={"log_to": tuple(log_to)})
    run = stored_run(_folder(command, output_path), run_id)
    targets = configured_targets(command.catalog, config)
    if not targets:
        raise InvalidOption(
            "Name where to send the run with --log-to, such as mlflow+http://host:5000."
        )
    for target in targets:
        send(run, target, config)
        typer.echo(f"Sent {run.id} to {target.target}")


def send(stored: StoredRun, target: LogTarget, config: RuntimeConfig) -> None:
    """Send a whole run; `RunNotLogged` gives the reason of a failure."""
    if stored.is_running:
        raise RunNotLogged(f"Run {stored.id} has not ended yet: it is sent when it has.")
    status = RunStatus.__members__.get(stored.status, RunStatus.FINISHED)
    sent = SentRun(stored.run, target, config)
    try:
        sent.catch_up()
        sent.close(status)
    # A tracker may fail in any way; the user must learn the reason.
    except Exception as error:
        sent.problem = exception_text(error)
    if sent.problem:
        raise RunNotLogged(f"Run {stored.id} cannot be sent to {target}: {sent.problem}.")


def _folder(context: CommandContext, output_path: str | None) -> Path:
    name = output_path or context.config.output_path
    if is_url(name):
        raise InvalidOption(f"Runs are logged on a local disk; there are none at {name!r}.")
    if not Path(name).is_dir():
        raise InvalidOption(f"Folder {name!r} does not exist. Name the output path with -o.")
    return Path(name).absolute()


def _facts(run: StoredRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "endpoint": run.endpoint,
        "status": run.status,
        "started": run.started.isoformat(),
        "ended": run.facts.get("ended"),
        "parent_id": run.facts.get("parent_id"),
        "folder": str(run.folder),
    }


def _logged(run: StoredRun) -> dict[str, Any]:
    series: dict[str, list[Any]] = defaultdict(list)
    for metric in run.metrics:
        series[metric.key].append([metric.step, metric.value])
    return {
        "parameters": run.parameters,
        "metrics": series,
        "artifacts": [str(path) for path in run.artifacts],
        "text": run.text,
    }


def _described(run: StoredRun) -> Iterator[str]:
    for name, fact in _facts(run).items():
        if fact is not None:
            yield f"{name}: {fact}"
    for key, value in run.parameters.items():
        yield f"parameter {key!r}: {value!r}"
    last: dict[str, Metric] = {metric.key: metric for metric in run.metrics}
    for key, metric in last.items():
        yield f"metric {key!r}: {metric.value!r} at step {metric.step}"
    for path in run.artifacts:
        yield f"artifact: {path}"


def _print_json(value: Any) -> None:
    typer.echo(to_json(value, indent=2, inf_nan_mode="strings").decode())
