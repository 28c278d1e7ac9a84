"""Options that are derived from the fields of models: global ones, and those of a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from runtime_core.catalog import Catalog
from runtime_core.cli.whole_names import WholeNames
from runtime_core.config import CORE_OPTIONS, RuntimeConfig, known_options
from runtime_core.option_sources import (
    PREFIXES,
    Flag,
    Options,
    flag_name,
    validated_options,
)
from runtime_core.plugin_options import PluginOption, options_of
from runtime_core.plugins import PluginSelection
from runtime_core.secret_fields import secrets_of

NO_PLUGIN, STRICT_PLUGINS = "--no-plugin", "--strict-plugins"


def plugin_selection(arguments: Sequence[str], environment: Mapping[str, str]) -> PluginSelection:
    """Read which plugins to load, before plugins add options of their own."""
    chosen = PluginSelection.from_environment(environment)
    disabled = {
        value.removeprefix(f"{NO_PLUGIN}=")
        for previous, value in zip(["", *arguments], arguments, strict=False)
        if previous == NO_PLUGIN or value.startswith(f"{NO_PLUGIN}=")
    }
    return PluginSelection(
        disabled=chosen.disabled | disabled,
        strict=chosen.strict or STRICT_PLUGINS in arguments,
    )


def root_callback(catalog: Catalog) -> Callable[..., None]:
    """Return a function whose parameters are the global options, for Typer to read."""

    def callback(**flags: Any) -> None:
        pass  # the parsed parameters are read before the command is built

    fields = RuntimeConfig.model_fields
    parameters = [_parameter(name, fields[name]) for name in CORE_OPTIONS]
    for settings in catalog.settings:
        parameters += map(_plugin_parameter, options_of(settings).values())
    return _with_parameters(callback, [*parameters, _NO_PLUGIN, _STRICT_PLUGINS, _HELP_ALL])


def take_global_options(command: Any, parameters: Sequence[Any]) -> None:
    """Let a command and its subcommands take the parameters of the program as options.

    A flag that a command defines itself stays its own.
    """
    own = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    for parameter in parameters:
        later = copy(parameter)
        later.opts = [flag for flag in parameter.opts if flag not in own]
        later.secondary_opts = [flag for flag in parameter.secondary_opts if flag not in own]
        if later.opts:
            _let_follow(later)
            command.params.append(later)
    if "-h" in own:  # as --host of serve: usage errors must not advise it for help
        command.context_settings = {**command.context_settings, "help_option_names": ["--help"]}
    for inner in getattr(command, "commands", {}).values():
        take_global_options(inner, parameters)


def _let_follow(parameter: Any) -> None:
    """Make a parameter of the program one of a command, for the context instead of a function."""
    parameter.expose_value = False
    if parameter.callback is None:
        option = parameter.name
        parameter.name = f"{_GLOBAL}{option}"  # a function may have a parameter of the same name
        parameter.hidden = True
        parameter.is_eager = True  # callbacks of the command may read the configuration
        parameter.callback = lambda ctx, _, value: ctx.obj.add_flags({option: value})


def is_global(parameter: Any) -> bool:
    """Check whether a parameter of a command is a global option."""
    return str(parameter.name).startswith(_GLOBAL)


def takes_options(model: type[BaseModel], *, command: str) -> Callable[[_Function], _Function]:
    """Let `function(context, **given)` take the fields of a model, as text, as its options."""
    prefix = f"{PREFIXES[0]}{command.upper()}_"
    fields = model.model_fields.items()
    context = inspect.Parameter("context", _KEYWORD, annotation=typer.Context)
    parameters = [_parameter(name, field, variables=prefix) for name, field in fields]
    return partial(_with_parameters, parameters=[context, *parameters, _HELP_ALL])


def _with_parameters(function: _Function, parameters: Sequence[inspect.Parameter]) -> _Function:
    """Give a function the signature that Typer reads."""
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in parameters}
    return function


def given_flags(catalog: Catalog, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the configuration that were given, among parsed parameters."""
    options = known_options(catalog)
    return {name: value for name, value in _given(parameters) if name in options}


def model_of_options(model: type[Options], parameters: Mapping[str, Any]) -> Options:
    """Validate the options of a command; `InvalidOption` names each flag that is wrong."""
    given = {name: (value, flag_name(name)) for name, value in _given(parameters)}
    given.pop("help_all", None)
    return validated_options(model, given)


def _given(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in parameters.items() if value not in (None, [], ()))


def _show_all(context: typer.Context, value: bool) -> None:
    """Print the help with all options and their variables, and end the command."""
    if not value or context.resilient_parsing:
        return
    known = known_options(context.obj.catalog)
    for parameter in context.command.params:
        _show(parameter, known)
    context.formatter_class = WholeNames
    typer.echo(context.get_help())
    raise typer.Exit


def _show(option: Any, known: Collection[str]) -> None:
    """Show an option in the help, with its variables."""
    option.hidden = False
    name = str(option.name).removeprefix(_GLOBAL)
    variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    if not variables and name in known:
        variables = [f"{PREFIXES[0]}{name.upper()}"]
    if variables:
        option.help = f"{option.help or ''} [env var: {' or '.join(variables)}]"


def _core_parameter(name: str, kind: Any = bool, **facts: Any) -> inspect.Parameter:
    """Return the parameter of an option without a model; its help names its variable."""
    declaration = typer.Option(
        flag_name(name), allow_from_autoenv=False, show_envvar=False, **facts
    )
    default = False if kind is bool else None
    return inspect.Parameter(
        name, _KEYWORD, default=default, annotation=Annotated[kind, declaration]
    )


_Function = TypeVar("_Function", bound=Callable[..., Any])

_GLOBAL = "global "

_KEYWORD = inspect.Parameter.KEYWORD_ONLY

_NO_PLUGIN = _core_parameter(
    "no_plugin",
    list[str] | None,
    metavar="NAME",
    hidden=True,
    help="Do not load a plugin; may be repeated. [env var: TESSERACT_DISABLE_PLUGINS]",
)
_STRICT_PLUGINS = _core_parameter(
    "strict_plugins",
    hidden=True,
    help="Refuse to start when a plugin is at fault. [env var: TESSERACT_STRICT_PLUGINS]",
)
_HELP_ALL = _core_parameter(
    "help_all",
    is_eager=True,
    callback=_show_all,
    help="Show all options and their environment variables.",
)


def _plugin_parameter(option: PluginOption) -> inspect.Parameter:
    if option.is_file:
        text = f"File with the value of {flag_name(option.name.removesuffix('_file'))}."
        return _parameter(option.name, FieldInfo(annotation=str, description=text), advanced=True)
    repeated = option.is_repeated
    return _parameter(option.name, option.field, option.default, repeated=repeated, advanced=True)


def _parameter(
    option: str,
    field: FieldInfo,
    default: Any = PydanticUndefined,
    *,
    repeated: bool = False,
    variables: str = "",
    advanced: bool = False,
) -> inspect.Parameter:
    """Return the Typer parameter of an option: a flag for a boolean, else text to validate.

    Typer reads the variables that begin with `variables`; those of global options are read where
    the configuration is made, so that messages name them.
    """
    flag = next((each for each in field.metadata if isinstance(each, Flag)), Flag())
    own = [f"{variables}{option.upper()}", *(flag.variables or ())] if variables else []
    facts: dict[str, Any] = {
        "help": f"{field.description or ''}{_default_text(field, default)}".strip(),
        "hidden": flag.advanced or advanced,
        "show_envvar": False,
        "envvar": own if flag.variables is not None else None,
        "allow_from_autoenv": False,
    }
    names = [name for name in (flag.short, flag_name(option)) if name]
    if field.annotation is bool:
        names[-1] += f"/--no-{names[-1][2:]}"
        annotation: Any = Annotated[bool | None, typer.Option(*names, **facts)]
    else:
        is_repeated = repeated or get_origin(field.annotation) is tuple
        kind = (list[str] if is_repeated else str) | None
        is_choice = get_origin(field.annotation) is Literal
        metavar = "|".join(get_args(field.annotation)) if is_choice else "TEXT"
        annotation = Annotated[kind, typer.Option(*names, metavar=metavar, **facts)]
    return inspect.Parameter(option, _KEYWORD, default=None, annotation=annotation)


def _default_text(field: FieldInfo, default: Any) -> str:
    shown = field.default if default is PydanticUndefined else default
    annotation: Any = field.annotation
    if shown in (None, "", False, PydanticUndefined) or secrets_of(annotation):
        return ""
    if isinstance(shown, list | tuple | set | frozenset | dict):
        shown = ",".join(map(str, shown))
    return f" [default: {shown}]" if shown != "" else ""
