"""The command `plugins check`: a line for each declaration, and exit code 1 if one has a fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from runtime_core.catalog import KINDS, Catalog, Plugin
from runtime_core.cli import stdout_to_stderr
from runtime_core.errors import UnknownName, did_you_mean, listed
from tesseract_runtime_workbench.check_plugins.bench import Bench
from tesseract_runtime_workbench.check_plugins.trials import Outcome, outcome_of


def check(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A plugin or its distribution.  [default: all]")
    ] = None,
) -> None:
    """Try each part of the installed plugins, on small data in a temporary folder."""
    catalog: Catalog = context.obj.catalog
    plugins = _named(catalog, name)
    with TemporaryDirectory() as folder, stdout_to_stderr():
        bench = Bench(
            catalog=catalog,
            flags=context.obj.flags,
            environment=context.obj.environment,
            folder=Path(folder),
        )
        outcomes = [outcome for plugin in plugins for outcome in _outcomes(bench, plugin)]
    for outcome in outcomes:
        typer.echo(outcome)
    if any(outcome.fault for outcome in outcomes):
        raise typer.Exit(1)


def _named(catalog: Catalog, name: str | None) -> Sequence[Plugin]:
    found = [each for each in catalog.plugins if name in (None, each.name, each.distribution)]
    if not found:
        names = {plugin.name for plugin in catalog.plugins}
        suggestion = did_you_mean(str(name), names)
        raise UnknownName(f"Unknown plugin {name!r}.{suggestion} Installed: {listed(names)}.")
    return found


def _outcomes(bench: Bench, plugin: Plugin) -> Iterator[Outcome]:
    """Yield the outcome of each declaration of a plugin, or of the plugin if it is not loaded."""
    if plugin in bench.catalog.missing_plugins:
        yield Outcome(place=plugin.name, fault=f"{plugin.status}: {plugin.problem}")
    for hook, names in plugin.provides.items():
        for name in names:
            yield outcome_of(bench, KINDS[hook], name, plugin)
