"""The command `plugins`: the installed plugins, their declarations and faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from pydantic_core import to_json

from runtime_core.catalog import Catalog, Plugin
from runtime_core.cli.application import SharedGroup
from runtime_core.errors import UnknownName, did_you_mean, listed
from runtime_core.executors.chosen_executor import SERIAL, ChosenExecutor
from runtime_core.plugins.inventory import inventory, libraries, plugin_facts

app = typer.Typer(
    name="plugins",
    cls=SharedGroup,
    rich_markup_mode=None,
    add_completion=False,
    help="Show what the installed plugins provide.",
    no_args_is_help=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def plugins(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what the installed plugins provide."""
    if context.invoked_subcommand is None:
        list_plugins(context, as_json)


@app.command("list")
def list_plugins(context: typer.Context, as_json: AsJson = False) -> None:
    """List all installed plugins, what each provides, and libraries that use the core."""
    catalog: Catalog = context.obj.catalog
    if as_json:
        _print_json({**inventory(catalog), "libraries": libraries(catalog)})
        return
    for plugin in catalog.plugins:
        print("\n".join(_summary(plugin)))
    for library in libraries(catalog):
        print(f"{library['distribution']} {library['version']}: a library\n  {library['summary']}")
    for problem in catalog.problems:
        print(f"Problem: {problem}")
    if context.obj.config.executor != SERIAL:
        print(f"Evaluations: by {ChosenExecutor.of(catalog, context.obj.config)}")


@app.command("show")
def show_plugin(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The plugin's or its distribution's name.")],
    as_json: AsJson = False,
) -> None:
    """Show the facts of one plugin, with the traceback if it failed."""
    catalog: Catalog = context.obj.catalog
    found = [plugin for plugin in catalog.plugins if name in (plugin.name, plugin.distribution)]
    if not found:
        names = {plugin.name for plugin in catalog.plugins}
        raise UnknownName(
            f"Unknown plugin {name!r}.{did_you_mean(name, names)} Installed: {listed(names)}."
        )
    for plugin in found:
        if as_json:
            _print_json(plugin_facts(catalog, plugin))
        else:
            print("\n".join(_details(plugin, catalog.problems)))


def _summary(plugin: Plugin) -> Iterator[str]:
    yield f"{plugin.name} ({plugin.origin}): {plugin.status}"
    if plugin.problem:
        yield f"  {plugin.problem}"
    for hook, names in plugin.provides.items():
        yield f"  {hook.replace('_', ' ')}: {', '.join(names) or 'none'}"


def _details(plugin: Plugin, problems: Sequence[str]) -> Iterator[str]:
    yield from _summary(plugin)
    yield from (f"  Problem: {problem}" for problem in problems if plugin.origin in problem)
    yield f"  entry point: {plugin.entry_point}"
    yield f"  loaded in: {plugin.seconds * 1000:.1f} ms"
    if plugin.trace:
        yield plugin.trace.rstrip()


def _print_json(facts: Any) -> None:
    print(to_json(facts, indent=2).decode())
