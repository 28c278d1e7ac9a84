"""The configuration of a runtime: its options, their sources and precedence.

A flag overrides `TESSERACT_RUNTIME_<OPTION>`, which overrides `TESSERACT_<OPTION>`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from runtime_core.errors import InvalidOption, did_you_mean, listed
from runtime_core.memory_limit import affordable_items, default_memory_limit
from runtime_core.option_sources import (
    ADVANCED,
    Flag,
    Given,
    Sources,
    flag_name,
    validated_options,
)
from runtime_core.plugin_options import Section, options_of

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog

__all__ = [
    "CORE_OPTIONS", "EVERY_ENDPOINT", "BackendChoice", "Flag", "RuntimeConfig", "dump",
    "parse_backend_choice", "resolve", "restore",
]  # fmt: skip

FILE = "tesseract_api.py"
"""The name of the file of a Tesseract in a folder."""

EVERY_ENDPOINT = "*"
"""The key of the backend of all other endpoints."""

BackendChoice = Mapping[str, str]
"""The names of backends by endpoint."""


def parse_backend_choice(value: object) -> dict[str, str]:
    """Parse `auto`, `jacobian=jax,vector_jacobian_product=derived`, or an equivalent mapping.

    Endpoints may be written with dashes. Raises `ValueError` for anything else.

    >>> parse_backend_choice("auto, jacobian=jax")
    {'*': 'auto', 'jacobian': 'jax'}
    """
    if isinstance(value, Mapping):
        pairs = [(str(endpoint), str(backend)) for endpoint, backend in value.items()]
    elif isinstance(value, str):
        pairs = [_pair(part) for part in value.split(",")]
    else:
        raise ValueError(f"expected text such as 'auto' or 'jacobian=jax', got {value!r:.60}")
    choice: dict[str, str] = {}
    for endpoint, backend in pairs:
        name = endpoint.strip().replace("-", "_")
        if not name or not backend.strip():
            raise ValueError("expected BACKEND or ENDPOINT=BACKEND, with commas between them")
        if name in choice:
            raise ValueError(f"{'all endpoints' if name == EVERY_ENDPOINT else name} named twice")
        choice[name] = backend.strip()
    return choice


def merge_backend_choices(weak: BackendChoice, strong: BackendChoice) -> BackendChoice:
    """Merge the choices of two sources; a bare name in the stronger one hides the weaker one.

    >>> merge_backend_choices({"*": "auto", "jacobian": "jax"}, {"jacobian": "derived"})
    {'*': 'auto', 'jacobian': 'derived'}
    >>> merge_backend_choices({"jacobian": "jax"}, {"*": "native"})
    {'*': 'native'}
    """
    return strong if EVERY_ENDPOINT in strong else {**weak, **strong}


def _pair(part: str) -> tuple[str, str]:
    left, equals, right = part.partition("=")
    return (left, right) if equals else (EVERY_ENDPOINT, left)


def absolute(path: str) -> str:
    """Make a path absolute; a URL is returned unchanged."""
    return path if "://" in path else str(Path(path).absolute())


def _file_in(path: Path) -> Path:
    is_folder = os.path.isdir(path)  # noqa: PTH112  # `Path` raises if a name is too long
    return path / FILE if is_folder else path


def _unless_none(name: str | None) -> str | None:
    return None if name == "none" else name


def _listed(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


TextList = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""An option that may be repeated, or given once with commas."""


def _text_of_path(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


AbsolutePath = Annotated[
    str, BeforeValidator(_text_of_path), AfterValidator(absolute), Field(validate_default=True)
]


class RuntimeConfig(BaseModel):
    """The options of one runtime, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_path: Annotated[Path, AfterValidator(_file_in)] = Field(
        Path(FILE), description="File of the Tesseract, or its folder."
    )
    name: Annotated[str, ADVANCED] = Field("Tesseract", description="Name of the Tesseract.")
    version: Annotated[str, ADVANCED] = Field("unknown", description="Version of the Tesseract.")
    description: Annotated[str, ADVANCED] = Field("", description="What the Tesseract computes.")
    debug: bool = Field(False, description="Show tracebacks of user code.")
    input_path: AbsolutePath = Field(".", description="Where payloads may read files.")
    output_path: AbsolutePath = Field(".", description="Where runs write their files.")
    output_format: str = Field("json", description="Format of results.")
    output_file: Annotated[str | None, ADVANCED] = Field(
        None, description="Name of the file of a result."
    )
    array_encoding: Annotated[str | None, ADVANCED] = Field(
        None, description="Encoding of arrays in results. [default: that of --output-format]"
    )
    compression: Annotated[str | None, AfterValidator(_unless_none)] = Field(
        None, description="Compression of arrays in results."
    )
    allow_url_prefix: Annotated[TextList, ADVANCED] = Field(
        (), description="URLs that payloads of remote callers may name; may be repeated."
    )
    memory_limit: Annotated[int, ADVANCED] = Field(
        default_factory=default_memory_limit,
        ge=1,
        description="Bytes that the arrays of a payload may take, and those of a result. "
        "[default: a quarter of the memory]",
    )
    max_json_items: Annotated[int, ADVANCED] = Field(
        default_factory=lambda data: affordable_items(data["memory_limit"]),
        ge=1,
        description="Most items in the JSON of a payload. [default: by --memory-limit, at most "
        "20 million]",
    )
    keep_forward: Annotated[int, ADVANCED] = Field(
        4, ge=0, description="Inputs whose forward solve is kept for gradients, in each process."
    )
    keep_forward_bytes: Annotated[int, ADVANCED] = Field(
        default_factory=lambda data: data["memory_limit"],
        ge=0,
        description="Bytes that kept forward solves may take, in each process. "
        "[default: that of --memory-limit]",
    )
    gradient_backend: Annotated[BackendChoice, BeforeValidator(parse_backend_choice)] = Field(
        default_factory=dict,
        description="The source of gradients: a backend, auto, or ENDPOINT=BACKEND,... "
        "[default: native]",
    )
    executor: Annotated[str, ADVANCED] = Field(
        "serial",
        description="Where the evaluations of one call are computed: serial or the target of an "
        "executor.",
    )
    executor_ship: Annotated[bool, ADVANCED] = Field(
        False,
        description="Send the folder of the Tesseract to the processes of the executor, which "
        "need not see its files then.",
    )
    log_to: TextList = Field(
        (),
        description="Where to log runs, such as mlflow+http://host:5000; may be repeated. "
        "[default: file]",
    )
    log_to_strict: Annotated[bool, ADVANCED] = Field(
        False, description="Fail a call whose run cannot be logged."
    )
    run_payload_bytes: Annotated[int, ADVANCED] = Field(
        1 << 16,
        ge=0,
        description="Most bytes of a payload in the record of its run; of a larger one the record "
        "has a digest.",
    )
    profiling: Annotated[bool, ADVANCED] = Field(
        False, description="Write a profile of each call to its log."
    )
    tracing: Annotated[bool, ADVANCED] = Field(
        False, description="Write inputs, outputs and times of each call to its log."
    )
    settings: Mapping[str, Any] = Field(
        default_factory=dict, description="Options of plugins, by section."
    )
    given: Mapping[str, Any] = Field(
        default_factory=dict, repr=False, description="The options that were given, unparsed."
    )

    def __getattr__(self, name: str) -> Any:
        """Return the option of a plugin by its name on the command line."""
        for section in (self.__dict__.get("settings") or {}).values():
            if name in section:
                return section[name]
        raise AttributeError(f"Unknown option {name!r}; no loaded plugin declares it.")

    def section(self, name: str) -> Any:
        """Return the options of a plugin, an instance of the model of its `Settings`."""
        try:
            return self.settings[name].options
        except KeyError:
            raise InvalidOption(
                f"Unknown settings section {name!r}; no loaded plugin declares it."
            ) from None


CORE_OPTIONS: tuple[str, ...] = tuple(
    name for name in RuntimeConfig.model_fields if name not in ("settings", "given")
)
"""The names of the core's own options."""


def resolve(
    catalog: Catalog, *, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> RuntimeConfig:
    """Make the configuration from flags and environment.

    `flags` has the values that were given, by option name; an option of a plugin is named
    `<section>_<field>`. Raises `InvalidOption` with the flag or variable.
    """
    sources = Sources(flags=flags, environment=environment)
    given = sources.strongest([(option,) for option in CORE_OPTIONS])
    choice = _merged_choice(value for _, value in sources.of("gradient_backend"))
    if choice:
        given["gradient_backend"] = (choice, flag_name("gradient_backend"))
    config = validated_options(RuntimeConfig, given)
    settings = {each.name: Section(each, sources) for each in catalog.settings}
    for section in settings.values():
        if section.given:
            _ = section.options  # validate given values at once; defaults can wait
        given |= section.given
    raw = {option: value for option, (value, _) in given.items()}
    _refuse_unknown(flags, known_options(catalog))
    return config.model_copy(update={"settings": settings, "given": raw})


def known_options(catalog: Catalog) -> Collection[str]:
    """Return the names of all options, of the core and of the loaded plugins."""
    return {*CORE_OPTIONS, *chain.from_iterable(map(options_of, catalog.settings))}


def _refuse_unknown(flags: Mapping[str, Any], known: Collection[str]) -> None:
    for name in flags.keys() - known:
        raise InvalidOption(
            f"Unknown option {name!r}.{did_you_mean(name, known)} Known: {listed(known)}."
        )


def dump(config: RuntimeConfig) -> dict[str, Any]:
    """Return the options from which `restore` makes the same configuration in another process."""
    return dict(config.given)


def restore(catalog: Catalog, dumped: Mapping[str, Any]) -> RuntimeConfig:
    """Make a configuration from the options of `dump`."""
    return resolve(catalog, flags=dumped, environment={})


def _merged_choice(sources: Iterator[Given]) -> BackendChoice:
    """Merge the gradient backends of all sources, endpoint by endpoint."""
    choice: BackendChoice = {}
    for value, source in sources:
        try:
            choice = merge_backend_choices(parse_backend_choice(value), choice)
        except ValueError as error:
            raise InvalidOption(f"{source}={value!r}: {error}") from None
    return choice
