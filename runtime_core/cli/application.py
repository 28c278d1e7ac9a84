"""The tree of commands; only the requested one is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

import typer
import typer.core
import typer.main

from runtime_core.catalog import Catalog, Registered, command_name
from runtime_core.cli.context import CommandContext
from runtime_core.cli.endpoints import endpoint_command
from runtime_core.cli.options import root_callback, take_global_options
from runtime_core.contracts import Command
from runtime_core.distributions import CORE
from runtime_core.errors import UnknownName, did_you_mean, listed
from runtime_core.plugins.guard import Guard

_HELP = """Invoke the Tesseract runtime.

Options can be variables: TESSERACT_<OPTION>, TESSERACT_RUNTIME_<COMMAND>_<OPTION>.
"""

_COMPLETION = ("install_completion", "show_completion")

_WIDEST = 120  # columns of help, on a terminal that has them

_MARGINS = 4  # columns before, between and after the two columns of a list


def application(context: CommandContext) -> Any:
    """Return the click command of the whole command line."""
    app = typer.Typer(
        cls=CatalogGroup,
        rich_markup_mode=None,
        help=_HELP,
        no_args_is_help=True,
        context_settings={
            "auto_envvar_prefix": "TESSERACT_RUNTIME",
            "help_option_names": ["-h", "--help"],
            "max_content_width": _WIDEST,
        },
    )
    app.callback()(root_callback(context.catalog))
    command: Any = typer.main.get_command(app)
    for parameter in command.params:
        if parameter.name in _COMPLETION:
            parameter.hidden = True
    return command


class CatalogGroup(typer.core.TyperGroup):
    """A group whose commands come from the catalog; each is built when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return sorted(_summaries(ctx.obj.catalog))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and summaries, without building the commands."""
        rows = sorted(_summaries(ctx.obj.catalog).items())
        # The short help has one line for each command, to fit one screen.
        if any(getattr(parameter, "hidden", False) for parameter in self.params):
            width = formatter.width - max(len(name) for name, _ in rows) - _MARGINS
            rows = [(name, shorten(text, width, placeholder="...")) for name, text in rows]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build one command; `None` for an unknown name."""
        catalog: Catalog = ctx.obj.catalog
        entry = catalog.commands.entries.get(cmd_name)
        endpoints = {command_name(name): name for name in catalog.endpoints.names}
        if entry is not None:
            command = _declared_command(entry)
        elif cmd_name in endpoints:
            command = _typer_command(cmd_name, *endpoint_command(ctx.obj, endpoints[cmd_name]))
        else:
            return None
        command.name = cmd_name
        for parameter in command.params:
            if parameter.name == "output_format":
                parameter.metavar = "|".join(catalog.formats.names)
        take_global_options(command, _global_options(ctx))
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse the global options; an unknown one may belong to the command behind it."""
        given = tuple(args)  # parsing empties the list
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            self._name_owner(ctx, given, error)
            raise

    def _name_owner(self, ctx: Any, args: Sequence[str], error: Any) -> None:
        """Add the command among the arguments that has an unknown option to its error."""
        flag = getattr(error, "option_name", None)
        for name in args if flag else ():
            command = self.get_command(ctx, name)
            if command and any(flag in each.opts for each in command.params):
                error.possibilities = None
                error.message += f". It is an option of {name}: put it after {name!r}."
                return

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command of the arguments, or fail with a suggestion."""
        name, *rest = args
        context: CommandContext = ctx.obj
        context.add_flags(ctx.params)
        command = self.get_command(ctx, name)
        if command is None:
            ctx.fail(_unknown(context.catalog, name))
        return name, command, rest


class SharedGroup(typer.core.TyperGroup):
    """A group with commands of other plugins: `plugins new` is one of the group `plugins`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands of the group, then those of plugins."""
        names = [name.partition(" ") for name in ctx.obj.catalog.commands.names]
        return [
            *super().list_commands(ctx),
            *(own for group, _, own in names if own and group == self.name),
        ]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command; `UnknownName` for one of a plugin that is not installed."""
        if command := super().get_command(ctx, cmd_name):
            return command
        name, registry = f"{self.name} {cmd_name}", ctx.obj.catalog.commands
        if entry := registry.entries.get(name):
            command = _declared_command(entry)
            take_global_options(command, _global_options(ctx))
            return command
        if registry.hints.for_name(registry.kind, name):
            raise UnknownName(registry.explain(name))
        return None


def _global_options(ctx: Any) -> Sequence[Any]:
    return [each for each in ctx.find_root().command.params if each.name not in _COMPLETION]


def _declared_command(entry: Registered[Command]) -> Any:
    """Build a command of the catalog; the failures of a plugin's name the plugin."""
    if entry.distribution == CORE:
        return _built_command(entry.value)
    guard = Guard(entry=entry, hook="commands")
    command = guard.of("load", _built_command)(entry.value)
    command.invoke = guard.of("run", command.invoke, passing=_ENDS)
    return command


def _built_command(declaration: Command) -> Any:
    target = declaration.load()
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    name = declaration.name.rpartition(" ")[2]
    return _typer_command(name, target, help=declaration.summary)


def _typer_command(name: str, function: Callable[..., Any], cls: Any = None, **facts: Any) -> Any:
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=cls, **facts)(function)
    return typer.main.get_command(app)


# Typer may carry its own copy of click; the bases of public classes are the classes for both.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_ENDS = (*typer.BadParameter.__mro__[1:3], typer.Exit, typer.Abort, SystemExit, BrokenPipeError)
"""The exceptions by which commands end."""


def _summaries(catalog: Catalog) -> dict[str, str]:
    endpoints = {command_name(e.name): e.summary for e in catalog.endpoints}
    commands = {command.name: command.summary for command in catalog.commands}
    return {**endpoints, **{name: text for name, text in commands.items() if " " not in name}}


def _unknown(catalog: Catalog, name: str) -> str:
    """Explain an unknown command: a conflict, a plugin to install or a typo."""
    for registry, key in ((catalog.commands, name), (catalog.endpoints, name.replace("-", "_"))):
        if key in registry.conflicts or registry.hints.for_name(registry.kind, key):
            return registry.explain(key)
    names = _summaries(catalog)
    return f"No such command {name!r}.{did_you_mean(name, names)} Commands: {listed(names)}."
