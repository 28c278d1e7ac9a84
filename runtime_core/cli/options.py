"""The global options: those of the core and those that plugins declare as `Settings`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, get_origin

import typer
from pydantic.fields import FieldInfo

from runtime_core.catalog import Catalog
from runtime_core.config import CORE_OPTIONS, RuntimeConfig, flag_name
from runtime_core.plugins import PluginSelection

NO_PLUGIN, STRICT_PLUGINS = "--no-plugin", "--strict-plugins"


def plugin_selection(arguments: Sequence[str], environment: Mapping[str, str]) -> PluginSelection:
    """Read which plugins to load; that must be known before the options of plugins are."""
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


def global_flags(catalog: Catalog) -> frozenset[str]:
    """Return all flags that belong before the command."""
    flags = {flag_name(option) for option, _ in _options(catalog)}
    return frozenset(flags | {NO_PLUGIN, STRICT_PLUGINS})


def misplaced(flag: str) -> str:
    """Return where a global option belongs."""
    return (
        f"{flag} is a global option: put it before the command, as in "
        f"tesseract-runtime {flag} ... COMMAND."
    )


def root_callback(catalog: Catalog) -> Callable[..., None]:
    """Return a function whose parameters are the global options, for Typer to read.

    It does nothing: what was given is read from the parsed parameters, before the command is
    built.
    """

    def callback(**flags: Any) -> None:
        pass

    parameters = [
        *(_parameter(option, field) for option, field in _options(catalog)),
        _PLUGINS_PARAMETER,
        _STRICT_PARAMETER,
    ]
    # Typer reads parameters from the signature; these are known only now.
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {p.name: p.annotation for p in parameters}
    return callback


def given_flags(catalog: Catalog, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the global options that were given, among the parsed parameters."""
    return {
        option: parameters[option]
        for option, _ in _options(catalog)
        if parameters.get(option) not in _NOT_GIVEN
    }


_NOT_GIVEN: tuple[Any, ...] = (None, [], ())
_KEYWORD = inspect.Parameter.KEYWORD_ONLY

_PLUGINS_PARAMETER = inspect.Parameter(
    "no_plugin",
    _KEYWORD,
    default=None,
    annotation=Annotated[
        list[str] | None,
        typer.Option(
            NO_PLUGIN,
            metavar="NAME",
            help="Do not load a plugin; may be repeated. [env var: TESSERACT_DISABLE_PLUGINS]",
            show_envvar=False,
        ),
    ],
)
_STRICT_PARAMETER = inspect.Parameter(
    "strict_plugins",
    _KEYWORD,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            STRICT_PLUGINS,
            help="Refuse to start when a plugin is at fault. [env var: TESSERACT_STRICT_PLUGINS]",
            show_envvar=False,
        ),
    ],
)


def _options(catalog: Catalog) -> Iterator[tuple[str, FieldInfo]]:
    for name in CORE_OPTIONS:
        yield name, RuntimeConfig.model_fields[name]
    for settings in catalog.settings:
        for name, field in settings.load().model_fields.items():
            yield f"{settings.name}_{name}", field


def _parameter(option: str, field: FieldInfo) -> inspect.Parameter:
    """Return the Typer parameter of an option: a flag for a boolean, else text.

    Text is validated later, together with the environment, by the model that the field is of.
    """
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = f" [default: {default}]" if default not in (None, "", False, (), {}) else ""
    help_text = f"{field.description or ''}{shown}".strip()
    flag = flag_name(option)
    if field.annotation is bool:
        declaration = typer.Option(f"{flag}/--no-{flag[2:]}", help=help_text)
        annotation: Any = Annotated[bool | None, declaration]
    else:
        declaration = typer.Option(flag, help=help_text, metavar="TEXT")
        is_repeated = get_origin(field.annotation) is tuple
        annotation = Annotated[(list[str] if is_repeated else str) | None, declaration]
    return inspect.Parameter(option, _KEYWORD, default=None, annotation=annotation)
