"""What the commands `map` and `sweep` have in common: their options, and the way to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import from_json

from runtime_core.cli import CommandContext
from runtime_core.distributions import install_command
from runtime_core.errors import InvalidOption, NotWritten, UnknownName
from runtime_core.files import check_name, is_url
from runtime_core.runtime import Runtime
from tesseract_runtime_ensemble.computation import Computation, OnError
from tesseract_runtime_ensemble.counts import Counts
from tesseract_runtime_ensemble.ensemble import Ensemble
from tesseract_runtime_ensemble.index_set import IndexSet
from tesseract_runtime_ensemble.interruption import interruptible
from tesseract_runtime_ensemble.record import locked, read_record, write_record
from tesseract_runtime_ensemble.table import RECORD, LinesTable, Table

Out = Annotated[
    str | None,  # a path would lose a slash of a URL
    typer.Option(
        "-o",
        "--out",
        metavar="OUT",
        help="The table of results: a file .jsonl, or a folder .parquet.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Compute what is not in OUT yet, and append it.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")]
Errors = Annotated[
    OnError,
    typer.Option(help="Failures: write a row with the error, leave it out, or stop."),
]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The table to write, and what to do where it exists."""

    out: str | None
    resume: bool
    overwrite: bool

    def table(self) -> Table:
        """Return the table; `InvalidOption` if it exists, unless that is expected."""
        if self.out is None:
            raise InvalidOption("Name the table of results, such as -o results.jsonl.")
        table = _table_of(self.out)
        out = table.path
        if self.resume and self.overwrite:
            raise InvalidOption("--resume keeps OUT and --overwrite replaces it: give one of them.")
        if not out.exists():
            return table
        if not (self.resume or self.overwrite):
            raise InvalidOption(
                f"{self.out!r} exists: go on with --resume, or replace it with --overwrite."
            )
        if not table.record.exists() and not (self.overwrite and out.is_file()):
            raise InvalidOption(
                f"{self.out!r} is not a table of map or sweep, as {table.record.name!r} is "
                "missing. Name another one."
            )
        return table


@contextmanager
def _files_reported() -> Iterator[None]:
    """Raise `NotWritten` for a file that cannot be used inside the `with`."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise NotWritten(
            f"Cannot use {str(error.filename)!r}: {error.strerror}. Check the path and its "
            "permissions."
        ) from None


@_files_reported()
def compute(
    context: CommandContext,
    endpoint: str,
    make: Callable[[Runtime], Ensemble],
    destination: Destination,
    on_error: OnError,
) -> None:
    """Compute an ensemble into a table, and exit with 1 if an evaluation has failed."""
    table = destination.table()
    with context.session(endpoint) as runtime:
        ensemble = make(runtime)
        facts = {**_dependencies(runtime), "endpoint": endpoint, **ensemble.facts}
        with _recorded(table, facts, destination) as ensemble_id:
            done = IndexSet()
            for index in table.indexes():
                done.add(index)
            counts = Counts(number=ensemble.number, earlier=len(done))
            code = _computed(context, ensemble, ensemble_id, table, done, counts, on_error)
    typer.echo("\n".join(counts.report()), err=True)
    if code:
        typer.echo("Run the same command with --resume to go on.", err=True)
    if code or counts.failed:
        raise typer.Exit(code or 1)


def _dependencies(runtime: Runtime) -> Mapping[str, Any]:
    """Return the facts that a result depends on besides its inputs."""
    content, versions, options = from_json(runtime.identity)
    return {"Tesseract": content, "versions": versions, "options": dict(options)}


@contextmanager
def _recorded(table: Table, facts: Mapping[str, Any], destination: Destination) -> Iterator[str]:
    """Keep a table for this command inside the `with`; yield the id of the ensemble."""
    exists = table.record.exists()
    if exists:
        with locked(table.record):
            pass  # else another command would write to a removed table
    if not (destination.resume and exists):
        table.remove()
        write_record(table.record, facts)
    with locked(table.record):
        yield read_record(table.record, facts, table.path)


def _computed(
    context: CommandContext,
    ensemble: Ensemble,
    ensemble_id: str,
    table: Table,
    done: IndexSet,
    counts: Counts,
    on_error: OnError,
) -> int:
    """Compute what is not done; return the exit code of a computation that was stopped."""
    interrupted, runtime = False, context.runtime()
    with runtime.calls() as calls, runtime.progress.tracking(), table:
        computation = Computation(
            ensemble=ensemble,
            ensemble_id=ensemble_id,
            calls=calls,
            table=table,
            counts=counts,
            on_error=on_error,
            end=context.supervisor.finished,
            show=runtime.progress.show,
        )

        def stop() -> None:
            nonlocal interrupted
            interrupted = computation.stopped = True

        with interruptible(stop):
            computation.run(lambda index: index not in done)
    return 130 if interrupted else int(computation.stopped)


def _table_of(name: str) -> Table:
    """Return the table of a path by its suffix; `InvalidOption` for another one."""
    check_name(f"{name}{RECORD}")
    out = Path(name)
    if is_url(name) or out.suffix not in (".jsonl", ".parquet"):
        raise InvalidOption(
            f"--out cannot be {name!r}: it must be a local path that ends with .jsonl or .parquet."
        )
    if out.suffix == ".jsonl":
        return LinesTable(out)
    try:
        from tesseract_runtime_ensemble.parquet_table import ParquetTable  # pyarrow is an extra
    except ImportError:
        command = install_command("tesseract-runtime-ensemble", extra="parquet")
        raise UnknownName(
            "Tables .parquet are written by pyarrow, which is not installed. Install it with: "
            f"{command}"
        ) from None
    return ParquetTable(out)
