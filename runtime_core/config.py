"""The configuration of a runtime: options, where they come from and how strong they are.

A flag is stronger than `TESSERACT_RUNTIME_<OPTION>`, which is stronger than
`TESSERACT_<OPTION>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runtime_core.errors import InvalidOption

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog

PREFIXES = ("TESSERACT_RUNTIME_", "TESSERACT_")
"""Prefixes of environment variables, strongest first."""


def _absolute(path: str) -> str:
    return path if "://" in path else str(Path(path).absolute())


def _unless_none(name: str | None) -> str | None:
    return None if name == "none" else name


AbsolutePath = Annotated[str, AfterValidator(_absolute), Field(validate_default=True)]


class RuntimeConfig(BaseModel):
    """The options of one runtime, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_path: str = Field("tesseract_api.py", description="The Python file of the Tesseract.")
    name: str = Field("Tesseract", description="Name of the Tesseract.")
    version: str = Field("unknown", description="Version of the Tesseract.")
    description: str = Field("", description="What the Tesseract computes.")
    debug: bool = Field(False, description="Show tracebacks of user code.")
    input_path: AbsolutePath = Field(".", description="Where payloads may read files.")
    output_path: AbsolutePath = Field(".", description="Where runs write their files.")
    output_format: str = Field("json", description="Format of results.")
    output_file: str | None = Field(None, description="Name of the file of a result.")
    compression: Annotated[str | None, AfterValidator(_unless_none)] = Field(
        None, description="Compression of arrays in results."
    )
    settings: Mapping[str, Any] = Field(
        default_factory=dict, description="Options of plugins, by section."
    )
    given: Mapping[str, Any] = Field(
        default_factory=dict, repr=False, description="What was given of all options, as it came."
    )

    def section(self, name: str) -> Any:
        """Return the options of a plugin: an instance of the model of its `Settings`."""
        try:
            return self.settings[name]
        except KeyError:
            raise InvalidOption(
                f"There is no settings section {name!r}; no loaded plugin declares it."
            ) from None


CORE_OPTIONS: tuple[str, ...] = tuple(
    name for name in RuntimeConfig.model_fields if name not in ("settings", "given")
)
"""The names of the options that the core itself has."""


def resolve(
    catalog: Catalog, *, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> RuntimeConfig:
    """Make the configuration of flags and environment.

    `flags` holds only what was given, by option name; an option of a plugin is named
    `<section>_<field>`. Raises `InvalidOption` that names the flag or variable.
    """
    given = {**_from_environment(environment, CORE_OPTIONS, prefix=""), **_core_flags(flags)}
    config: RuntimeConfig = _validated(RuntimeConfig, given)
    settings = {}
    raw = {option: value for option, (value, _) in given.items()}
    for declaration in catalog.settings:
        prefix = f"{declaration.name}_"
        model = declaration.load()
        fields = tuple(model.model_fields)
        found = _from_environment(environment, fields, prefix=prefix)
        found |= {
            field: (flags[prefix + field], flag_name(prefix + field))
            for field in fields
            if prefix + field in flags
        }
        settings[declaration.name] = _validated(model, found)
        raw |= {prefix + field: value for field, (value, _) in found.items()}
    return config.model_copy(update={"settings": settings, "given": raw})


def flag_name(option: str) -> str:
    """Return the flag of an option.

    >>> flag_name("output_path")
    '--output-path'
    """
    return "--" + option.replace("_", "-")


def dump(config: RuntimeConfig) -> dict[str, Any]:
    """Return what another process needs to make the same configuration with `restore`."""
    return dict(config.given)


def restore(catalog: Catalog, dumped: Mapping[str, Any]) -> RuntimeConfig:
    """Make the configuration that `dump` wrote down in another process."""
    return resolve(catalog, flags=dumped, environment={})


def _core_flags(flags: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    return {name: (flags[name], flag_name(name)) for name in CORE_OPTIONS if name in flags}


def _from_environment(
    environment: Mapping[str, str], options: tuple[str, ...], *, prefix: str
) -> dict[str, tuple[Any, str]]:
    """Return the value and the variable of each option that the environment sets."""
    found: dict[str, tuple[Any, str]] = {}
    for option in options:
        variables = [start + (prefix + option).upper() for start in PREFIXES]
        variable = next((name for name in variables if environment.get(name)), None)
        if variable is not None:
            found[option] = (environment[variable], variable)
    return found


def _validated(model: type[BaseModel], given: Mapping[str, tuple[Any, str]]) -> Any:
    try:
        return model(**{option: value for option, (value, _) in given.items()})
    except ValidationError as error:
        raise InvalidOption("\n".join(_option_faults(error, given))) from None


def _option_faults(error: ValidationError, given: Mapping[str, tuple[Any, str]]) -> list[str]:
    faults = []
    for fault in error.errors(include_url=False):
        option = str(fault["loc"][0]) if fault["loc"] else ""
        value, source = given.get(option, (fault.get("input"), "options"))
        faults.append(f"{source}={value!r}: {fault['msg']}")
    return faults
