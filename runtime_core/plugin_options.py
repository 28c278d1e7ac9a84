"""The options of a plugin: the fields of its settings model, and of the models in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from runtime_core.errors import InvalidOption, PluginFault, did_you_mean
from runtime_core.option_sources import (
    PREFIXES,
    FieldPath,
    Given,
    Sources,
    flag_name,
    invalid_options,
    invalid_value,
)
from runtime_core.option_types import is_list, nested_model, parsing_fields, unsettable, value_of
from runtime_core.secret_fields import secrets_of

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from runtime_core.contracts import Settings

_FILE = "_file"


@dataclass(frozen=True, kw_only=True)
class PluginOption:
    """An option of a plugin, and the path of the field that it sets.

    With `is_file` its value is the name of a file with that of the field. A validator of the field
    parses it if `is_parsed`.
    """

    name: str
    path: FieldPath
    field: FieldInfo
    default: Any = None
    is_file: bool = False
    is_parsed: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether no message may show its value."""
        annotation: Any = self.field.annotation
        return bool(secrets_of(annotation))

    @property
    def is_repeated(self) -> bool:
        """Whether it may be given several times."""
        return not self.is_file and is_list(self.field.annotation)

    def value(self, given: Given) -> Any:
        """Convert a given value for its field; `InvalidOption` for text that is not valid."""
        value, source = given
        try:
            if self.is_file:
                value = Path(value).read_text(encoding="utf-8").rstrip("\r\n")
            return value if self.is_parsed else value_of(self.field.annotation, value)
        except OSError as error:
            raise InvalidOption(f"{source}={value!r}: {error.strerror}.") from None
        except ValueError as error:
            raise InvalidOption(
                invalid_value((value, source), str(error), self.field.annotation)
            ) from None


@lru_cache(1024)  # few plugins are installed; a command asks several times
def options_of(settings: Settings) -> Mapping[str, PluginOption]:
    """Return the options of a settings section by name, without building its model.

    Raises `PluginFault` for a field without a default, one that no text can set, and for two fields
    of the same name.
    """
    model = settings.load()
    options: dict[str, PluginOption] = {}
    for option in _options(settings, model, None, ()):
        if option.name in options:
            raise _fault(settings, option, f"whose flag {flag_name(option.name)} another one has")
        options[option.name] = option
    for option in [*options.values()]:
        if option.is_secret:
            file = replace(option, name=option.name + _FILE, is_file=True)
            options.setdefault(file.name, file)
    return MappingProxyType(options)


def _options(
    settings: Settings, model: type[BaseModel], default: Any, outer: FieldPath
) -> Iterator[PluginOption]:
    parsing = {*parsing_fields(model)}
    for name, field in model.model_fields.items():
        path = (*outer, name)
        option = PluginOption(
            name="_".join([settings.option(outer[0] if outer else name), *path[1:]]),
            path=path,
            field=field,
            default=_default(field) if default is None else getattr(default, name, None),
            is_parsed=name in parsing,
        )
        if not outer and field.is_required():
            raise _fault(settings, option, "without a default")
        wrong = "" if option.is_parsed else unsettable(field.annotation)
        if wrong:
            raise _fault(settings, option, f"that no text can set: {wrong}")
        nested = None if option.is_parsed else nested_model(field.annotation)
        if nested is None:
            yield option
        else:
            yield from _options(settings, nested, option.default, path)


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() or field.default_factory else field.default


def _fault(settings: Settings, option: PluginOption, problem: str) -> PluginFault:
    field = ".".join(option.path)
    return PluginFault(f"Settings section {settings.name!r} has a field {field!r} {problem}")


class Section:  # noqa: PLW1641  # it is never hashed
    """The options of one plugin, validated when they are first read."""

    def __init__(self, settings: Settings, sources: Sources) -> None:
        self._settings = settings
        self.given = sources.strongest(_names(options_of(settings)))

    @cached_property
    def options(self) -> Any:
        """The validated options, an instance of the model."""
        known = options_of(self._settings)
        given = {known[name].path: each for name, each in self.given.items()}
        values = {known[name].path: known[name].value(each) for name, each in self.given.items()}
        model = self._settings.load()
        try:
            return model.model_validate(_tree(model, None, values), by_name=True)
        except ValidationError as error:
            places = {
                option.path: (flag_name(option.name), option.field.annotation)
                for option in known.values()
                if not option.is_file
            }
            raise invalid_options(error, places, given) from None

    def __getitem__(self, name: str) -> Any:
        """Return the value of an option by its name."""
        value = self.options
        for field in options_of(self._settings)[name].path:
            value = getattr(value, field, None)
        return value

    def __contains__(self, name: str) -> bool:
        return name in options_of(self._settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Section) and self.options == other.options


def _names(options: Mapping[str, PluginOption]) -> Iterator[tuple[str, ...]]:
    """Yield the names of each option: its own, and that of a file with its value."""
    for name, option in options.items():
        if not option.is_file:
            file = options.get(name + _FILE)
            yield (name, file.name) if file is not None and file.is_file else (name,)


def _tree(
    model: type[BaseModel], default: BaseModel | None, values: Mapping[FieldPath, Any]
) -> dict[str, Any]:
    """Return values by field, over those of a default instance of the model."""
    tree = {} if default is None else {n: getattr(default, n) for n in type(default).model_fields}
    for first in dict.fromkeys(path[0] for path in values):
        inner = {path[1:]: value for path, value in values.items() if path[0] == first}
        nested = nested_model(model.model_fields[first].annotation)
        if () in inner or nested is None:
            tree[first] = inner[()]
            continue
        field = model.model_fields[first]
        known = tree.get(first)
        if known is None and not field.is_required():
            known = field.get_default(call_default_factory=True, validated_data={})
        tree[first] = _tree(nested, known if isinstance(known, BaseModel) else None, inner)
    return tree


def misspelt_variables(catalog: Catalog, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each variable of a plugin's section that is not one of its options."""
    sections = {each.value.name: each for each in catalog.settings.entries.values()}
    known = {name for each in sections.values() for name in options_of(each.value)}
    names = (*catalog.commands.names, *catalog.endpoints.names)
    beginnings = tuple(f"{name.replace('-', '_')}_" for name in names)
    for variable in environment:
        prefix = next((start for start in PREFIXES if variable.startswith(start)), None)
        option = variable.removeprefix(prefix or variable).lower()
        owners = [name for name in sections if option.startswith(f"{name}_")]
        # Variables of the options of a command begin with its name.
        of_command = prefix == PREFIXES[0] and option.startswith(beginnings)
        if option in known or of_command or not owners:
            continue
        owner = sections[max(owners, key=len)]
        meant = [f"{prefix}{name.upper()}" for name in options_of(owner.value)]
        yield (
            f"{variable} is not an option of the plugin {owner.plugin}."
            f"{did_you_mean(variable, meant)}"
        )
