"""The configuration: options, their sources, and their way to another process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from pydantic import BaseModel, Field, ValidationError

from runtime_core.catalog import Catalog, Registered
from runtime_core.config import CORE_OPTIONS, RuntimeConfig, dump, resolve, restore
from runtime_core.contracts import Settings
from runtime_core.errors import InvalidOption

Resolve = Callable[..., RuntimeConfig]


class Tracker(BaseModel):
    """The options of a plugin."""

    uri: str = "none"
    retries: int = Field(3, ge=0)


@pytest.fixture
def with_settings(catalog: Catalog) -> Catalog:
    """Return the catalog with the settings section `tracker`."""
    declaration = Settings(name="tracker", summary="Where runs go.", load=lambda: Tracker)
    entry = Registered(value=declaration, plugin="x", distribution="x", version="1")
    entries = MappingProxyType({"tracker": entry})
    return replace(catalog, settings=replace(catalog.settings, entries=entries))


def test_defaults(catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any source the options have the defaults of the documentation."""
    monkeypatch.chdir(tmp_path)
    config = resolve(catalog, flags={"memory_limit": 2**40}, environment={})
    assert config.model_dump(exclude={"settings", "given"}) == {
        "api_path": Path("tesseract_api.py"),
        "name": "Tesseract",
        "version": "unknown",
        "description": "",
        "debug": False,
        "input_path": str(tmp_path),
        "output_path": str(tmp_path),
        "output_format": "json",
        "output_file": None,
        "array_encoding": None,
        "compression": None,
        "allow_url_prefix": (),
        "memory_limit": 2**40,
        "max_json_items": 20_000_000,
        "keep_forward": 4,
        "keep_forward_bytes": 2**40,
        "gradient_backend": {},
        "executor": "serial",
        "executor_ship": False,
        "log_to": (),
        "log_to_strict": False,
        "run_payload_bytes": 65536,
        "profiling": False,
        "tracing": False,
    }


SWITCH: tuple[Sequence[str], Sequence[object]] = (("false", "true", "false"), [False, True, False])
LIST: tuple[Sequence[str], Sequence[object]] = (
    ("s3://a", "s3://b,", "s3://c,s3://d"),
    [("s3://a",), ("s3://b",), ("s3://c", "s3://d")],
)
ODD_VALUES: Mapping[str, tuple[Sequence[str], Sequence[object]]] = {
    **dict.fromkeys(("debug", "executor_ship", "log_to_strict", "profiling", "tracing"), SWITCH),
    **dict.fromkeys(("allow_url_prefix", "log_to"), LIST),
    **dict.fromkeys(
        (
            "memory_limit",
            "max_json_items",
            "keep_forward",
            "keep_forward_bytes",
            "run_payload_bytes",
        ),
        (("1", "2", "3"), [1, 2, 3]),
    ),
    "api_path": (("a.py", "b/a.py", "/a.py"), [Path("a.py"), Path("b/a.py"), Path("/a.py")]),
}
"""Given values of options that are not texts, and their parsed values."""


@pytest.mark.parametrize("option", sorted(set(CORE_OPTIONS) - {"gradient_backend"}))
def test_every_option_has_three_sources(catalog: Catalog, option: str) -> None:
    """A flag is stronger than TESSERACT_RUNTIME_X, and that is stronger than TESSERACT_X."""
    texts = ("/weak", "/strong", "/flag")
    values, expected = ODD_VALUES.get(option, (texts, list(texts)))
    weak = {f"TESSERACT_{option.upper()}": values[0]}
    strong = {**weak, f"TESSERACT_RUNTIME_{option.upper()}": values[1]}

    def value(flags: Mapping[str, str], environment: Mapping[str, str]) -> object:
        return getattr(resolve(catalog, flags=flags, environment=environment), option)

    found = [value({}, weak), value({}, strong), value({option: values[2]}, strong)]
    assert found == expected


def test_paths_are_absolute(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Relative folders start from the working directory; URLs are unchanged."""
    monkeypatch.chdir(tmp_path)
    flags = {"input_path": "in", "output_path": "s3://bucket/runs"}
    config = resolve(catalog, flags=flags, environment={})
    assert config.input_path == str(tmp_path / "in")
    assert config.output_path == "s3://bucket/runs"


def test_configuration_is_frozen(catalog: Catalog) -> None:
    """User code cannot change the options of the runtime."""
    config = resolve(catalog, flags={}, environment={})
    with pytest.raises(ValidationError):
        config.name = "other"  # type: ignore[misc]  # that is the point


def test_empty_variable_is_none(catalog: Catalog) -> None:
    """A variable that is set to nothing leaves the choice to the weaker one."""
    environment = {"TESSERACT_RUNTIME_NAME": "", "TESSERACT_NAME": "weak"}
    assert resolve(catalog, flags={}, environment=environment).name == "weak"


@pytest.mark.parametrize("variable", ["TESSERACT_DEBUG", "TESSERACT_RUNTIME_DEBUG"])
def test_wrong_value_names_its_variable(catalog: Catalog, variable: str) -> None:
    """The message for an invalid value names its variable."""
    with pytest.raises(InvalidOption) as raised:
        resolve(catalog, flags={}, environment={variable: "maybe"})
    assert str(raised.value).startswith(f"{variable}='maybe': ")


def test_wrong_flag_names_itself(catalog: Catalog) -> None:
    """The message for an invalid value names its flag."""
    with pytest.raises(InvalidOption, match="--debug='maybe': "):
        resolve(catalog, flags={"debug": "maybe"}, environment={"TESSERACT_DEBUG": "1"})


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_number_of_json_items_is_positive(catalog: Catalog, value: str) -> None:
    """An invalid number of items is refused with its flag."""
    with pytest.raises(InvalidOption, match=f"--max-json-items='{value}': Input should be "):
        resolve(catalog, flags={"max_json_items": value}, environment={})


@pytest.mark.parametrize("value", ["", ",", ",,"])
def test_prefix_of_nothing_admits_nothing(catalog: Catalog, value: str) -> None:
    """An empty prefix, which every URL begins with, is none."""
    config = resolve(catalog, flags={"allow_url_prefix": value}, environment={})
    assert config.allow_url_prefix == ()


def test_settings_have_the_same_sources(with_settings: Catalog) -> None:
    """Options of plugins come from flags and variables that begin with their section."""

    def tracker(flags: Mapping[str, str], environment: Mapping[str, str]) -> Tracker:
        config = resolve(with_settings, flags=flags, environment=environment)
        section = config.section("tracker")
        assert isinstance(section, Tracker)
        return section

    environment = {"TESSERACT_TRACKER_URI": "weak", "TESSERACT_TRACKER_RETRIES": "5"}
    assert tracker({}, {}) == Tracker()
    assert tracker({}, environment) == Tracker(uri="weak", retries=5)
    environment["TESSERACT_RUNTIME_TRACKER_URI"] = "strong"
    assert tracker({}, environment).uri == "strong"
    assert tracker({"tracker_uri": "flag"}, environment).uri == "flag"


def test_wrong_setting_is_named(with_settings: Catalog) -> None:
    """The message for an invalid value of a plugin's option names its source."""
    with pytest.raises(InvalidOption, match="TESSERACT_TRACKER_RETRIES='-1': "):
        resolve(with_settings, flags={}, environment={"TESSERACT_TRACKER_RETRIES": "-1"})
    with pytest.raises(InvalidOption, match="--tracker-retries='many': "):
        resolve(with_settings, flags={"tracker_retries": "many"}, environment={})


def test_unknown_section_is_told(catalog: Catalog) -> None:
    """An undeclared section is an error."""
    config = resolve(catalog, flags={}, environment={})
    with pytest.raises(InvalidOption, match="Unknown settings section 'tracker'"):
        config.section("tracker")


def test_configuration_survives_the_way_to_another_process(with_settings: Catalog) -> None:
    """What was dumped and read as JSON is the same configuration, given options included."""
    flags = {
        "name": "Solver",
        "debug": "1",
        "input_path": "in",
        "allow_url_prefix": "s3://a,s3://b",
        "tracker_retries": "7",
    }
    config = resolve(with_settings, flags=flags, environment={})
    restored = restore(with_settings, json.loads(json.dumps(dump(config))))
    assert restored == config
    assert restored.section("tracker") == Tracker(retries=7)
    assert restored.model_fields_set - {"settings"} == config.model_fields_set - {"settings"}


def test_input_path_that_was_not_given_is_not_given_there(catalog: Catalog) -> None:
    """A worker knows whether the operator has named an input path, which opens files."""
    config = resolve(catalog, flags={}, environment={})
    restored = restore(catalog, dump(config))
    assert "input_path" not in restored.model_fields_set


@pytest.mark.parametrize(
    ("flag", "strong", "weak", "choice"),
    [
        (None, None, None, {}),
        ("auto", None, None, {"*": "auto"}),
        (None, "auto", None, {"*": "auto"}),
        (None, None, "auto", {"*": "auto"}),
        ("jax", "auto", "native", {"*": "jax"}),
        (None, "auto", "native", {"*": "auto"}),
        ("jacobian=jax", "auto", None, {"jacobian": "jax", "*": "auto"}),
        ("jacobian=jax", "jacobian=derived", "jacobian=native", {"jacobian": "jax"}),
        (
            "apply=native",
            "jacobian=derived",
            "jacobian=native,auto",
            {
                "apply": "native",
                "jacobian": "derived",
                "*": "auto",
            },
        ),
        ("auto", "jacobian=derived", "jacobian=native", {"*": "auto"}),
        ("apply=native", "auto", "jacobian=native", {"apply": "native", "*": "auto"}),
        (
            "vector-jacobian-product=jax",
            "vector_jacobian_product=derived",
            None,
            {
                "vector_jacobian_product": "jax",
            },
        ),
    ],
)
def test_gradient_backends_are_merged_by_endpoint(
    flag: str | None,
    strong: str | None,
    weak: str | None,
    choice: dict[str, str],
    catalog: Catalog,
) -> None:
    """What is said of an endpoint is not lost to a stronger source, unless that speaks of all."""
    environment = {
        "TESSERACT_RUNTIME_GRADIENT_BACKEND": strong,
        "TESSERACT_GRADIENT_BACKEND": weak,
    }
    config = resolve(
        catalog,
        flags={} if flag is None else {"gradient_backend": flag},
        environment={name: value for name, value in environment.items() if value is not None},
    )
    assert dict(config.gradient_backend) == choice
    restored = restore(catalog, json.loads(json.dumps(dump(config))))
    assert restored.gradient_backend == config.gradient_backend


@pytest.mark.parametrize(
    ("flags", "environment", "source"),
    [
        ({"gradient_backend": "jacobian="}, {}, "--gradient-backend"),
        ({}, {"TESSERACT_GRADIENT_BACKEND": "jacobian="}, "TESSERACT_GRADIENT_BACKEND"),
        (
            {"gradient_backend": "jacobian=jax"},
            {"TESSERACT_RUNTIME_GRADIENT_BACKEND": "jacobian="},
            "TESSERACT_RUNTIME_GRADIENT_BACKEND",
        ),
    ],
)
def test_a_wrong_gradient_backend_names_its_source(
    flags: Mapping[str, str], environment: Mapping[str, str], source: str, catalog: Catalog
) -> None:
    """The source that cannot be read is named, not one that has another part of the choice."""
    with pytest.raises(InvalidOption) as raised:
        resolve(catalog, flags=flags, environment=environment)
    assert str(raised.value) == (
        f"{source}='jacobian=': expected BACKEND or ENDPOINT=BACKEND, with commas between them"
    )


def test_unknown_flag_is_refused(catalog: Catalog) -> None:
    """A misspelled option of a configuration in Python is refused."""
    with pytest.raises(
        InvalidOption, match=r"Unknown option 'gradients'\. Did you mean 'gradient_bac"
    ):
        resolve(catalog, flags={"gradients": "auto"}, environment={})


def test_options_of_a_plugin_are_built_when_they_are_read(catalog: Catalog) -> None:
    """A command that does not read the options of a plugin does not pay for their model."""
    config = resolve(catalog, flags={}, environment={})
    assert "options" not in vars(config.settings["finite_differences"])
    assert config.section("finite_differences").model_fields_set == set()
