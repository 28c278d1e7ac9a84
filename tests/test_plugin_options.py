"""The options of plugins: which fields text can set, from which sources, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from runtime_core.catalog import Catalog
from runtime_core.cli.entry_point import dispatch
from runtime_core.config import RuntimeConfig, dump, resolve, restore
from runtime_core.contracts import Settings
from runtime_core.errors import InvalidOption, PluginFault
from runtime_core.option_types import unsettable
from runtime_core.plugin_options import misspelt_variables, options_of
from tests.plugins.faulty_plugin import with_plugins


class Colour(StrEnum):
    """A colour."""

    RED = "red"


class Retry(BaseModel):
    """How often a request is sent again."""

    times: int = Field(3, ge=0)
    pauses: list[float] = [1.0]


class Tracker(BaseModel):
    """Where results go."""

    url: str
    token: SecretStr = SecretStr("")
    retry: Retry = Retry(times=5)


@dataclass
class Limit:
    """A limit, in a dataclass."""

    bytes: int


class AcmeSettings(BaseModel):
    """Fields of every kind that text can set."""

    model_config = ConfigDict(defer_build=True)

    folder: Path = Path("here")
    places: list[Path] = []
    sizes: tuple[int, ...] = (1,)
    names: frozenset[str] | None = None
    colour: Colour = Colour.RED
    mode: Literal["fast", "exact"] = "fast"
    pause: timedelta = timedelta(0)
    labels: dict[str, int] = {}
    limit: Limit | None = None
    servers: list[Tracker] = []
    tracker: Tracker = Tracker(url="http://one")
    other: Tracker | None = None
    own: Annotated[object, BeforeValidator(str.upper)] = "DEFAULT"
    pairs: list[int] = []
    password: SecretStr | None = None
    alias: int = Field(1, validation_alias="ALIAS")

    @field_validator("pairs", mode="before")
    @classmethod
    def _split(cls, value: str) -> list[str]:
        return value.split(";")


def of(model: type[BaseModel]) -> Settings:
    """Return the declaration of a model."""
    return Settings(name="acme", summary="For tests.", load=lambda: model)


@pytest.fixture
def plugged(catalog: Catalog) -> Catalog:
    """Return the catalog with the settings."""
    return with_plugins(catalog, {"settings": [of(AcmeSettings)]})


Acme = Callable[..., Any]


@pytest.fixture
def acme(plugged: Catalog) -> Acme:
    """Return a function that gives the settings from flags and variables."""

    def resolved(environment: Mapping[str, str] | None = None, **flags: Any) -> Any:
        flags = {f"acme_{name}": value for name, value in flags.items()}
        config = resolve(plugged, flags=flags, environment=environment or {})
        again = restore(plugged, json.loads(json.dumps(dump(config))))
        assert again.section("acme") == config.section("acme")
        return config.section("acme")

    return resolved


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("folder", "there", Path("there")),
        ("places", "a,b/c", [Path("a"), Path("b/c")]),
        ("places", '["a,b"]', [Path("a,b")]),
        ("sizes", "1, 2", (1, 2)),
        ("sizes", "[1, 2]", (1, 2)),
        ("names", "a,a,b", frozenset("ab")),
        ("colour", "red", Colour.RED),
        ("mode", "exact", "exact"),
        ("pause", "PT2S", timedelta(seconds=2)),
        ("labels", '{"a": 1}', {"a": 1}),
        ("limit", '{"bytes": 5}', Limit(bytes=5)),
        ("servers", '{"url": "u"}', [Tracker(url="u")]),
        ("servers", '[{"url": "u"}, {"url": "v"}]', [Tracker(url="u"), Tracker(url="v")]),
        ("own", "text", "TEXT"),
        ("pairs", "1;2", [1, 2]),
        ("alias", "2", 2),
    ],
)
def test_text_sets_every_kind_of_field(acme: Acme, field: str, text: str, value: Any) -> None:
    """A flag and a variable take the same text."""
    assert getattr(acme(**{field: text}), field) == value
    assert getattr(acme({f"TESSERACT_ACME_{field.upper()}": text}), field) == value


def test_lists_may_be_repeated(acme: Acme) -> None:
    """A repeated flag adds to the list, with commas or without."""
    assert acme(sizes=["1,2", "3"]).sizes == (1, 2, 3)
    assert acme(servers=['{"url": "u"}', '{"url": "v"}']).servers[1].url == "v"


def test_models_in_models_are_set_field_by_field(acme: Acme) -> None:
    """What is not given stays that of the default instance; a model that was `None` begins."""
    found = acme({"TESSERACT_ACME_TRACKER_RETRY_PAUSES": "2,3"}, tracker_token="t")
    assert found.tracker.url == "http://one"
    assert found.tracker.token.get_secret_value() == "t"
    assert found.tracker.retry == Retry(times=5, pauses=[2.0, 3.0])
    assert acme().other is None
    assert acme(other_url="u").other == Tracker(url="u")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"sizes": "1,x"}, "--acme-sizes='1,x': Input should be a valid integer, unable"),
        ({"labels": "{"}, "--acme-labels='{': not valid JSON: Expecting property name"),
        ({"tracker_retry_times": "-1"}, "--acme-tracker-retry-times='-1': Input should be greater"),
        ({"other_retry_times": "2"}, "--acme-other-url: Field required"),
        ({"password_file": "/no/such"}, "--acme-password-file='/no/such': No such file or"),
    ],
)
def test_wrong_values_name_their_flag(acme: Acme, flags: Any, message: str) -> None:
    """Values in models and lists, and files that are missing, are told as those of any option."""
    with pytest.raises(InvalidOption) as raised:
        acme(**flags)
    assert str(raised.value).startswith(message)


def test_secrets_come_from_files_too(acme: Acme, tmp_path: Path) -> None:
    """A flag is stronger than TESSERACT_RUNTIME_X, each as a value or as the name of a file."""
    path = tmp_path / "password"
    path.write_text("from file\n")
    weak = {"TESSERACT_ACME_PASSWORD": "weak"}
    strong = {**weak, "TESSERACT_RUNTIME_ACME_PASSWORD_FILE": str(path)}
    found = [acme(weak), acme(strong), acme(strong, password="flag")]
    values = [settings.password.get_secret_value() for settings in found]
    assert values == ["weak", "from file", "flag"]
    nested = acme({"TESSERACT_ACME_TRACKER_TOKEN_FILE": str(path)})
    assert nested.tracker.token.get_secret_value() == "from file"


def test_secrets_are_in_no_message(catalog: Catalog, plugged: Catalog) -> None:
    """Neither errors nor the configuration show them."""

    class Strict(BaseModel):
        token: Annotated[SecretStr, BeforeValidator(_refused)] = SecretStr("")

    strict = with_plugins(catalog, {"settings": [of(Strict)]})
    with pytest.raises(InvalidOption) as raised:
        resolve(strict, flags={"acme_token": "hush"}, environment={})
    assert str(raised.value) == "--acme-token=***: *** is too short"
    shown = repr(resolve(plugged, flags={"acme_password": "hush"}, environment={}))
    assert "hush" not in shown


def _refused(value: object) -> object:
    raise ValueError(f"{value} is too short")


class Recursive(BaseModel):
    """A model that contains itself."""

    inner: Recursive | None = None


class Plain:
    """A class without a schema."""


@pytest.mark.parametrize(
    ("annotation", "part"),
    [
        (Callable[[int], int], "collections.abc.Callable[[int], int]"),
        (dict[str, Plain], "Plain"),
        (list[type[int]], "type[int]"),
        (partial, "partial"),
        (Recursive, "Recursive, which contains itself"),
        (Any, ""),
        (int | str, ""),
        (list[Retry | None], ""),
    ],
)
def test_types_that_no_text_can_set_are_found(annotation: Any, part: str) -> None:
    """The part of the type is named."""
    assert unsettable(annotation) == part


class Unset(BaseModel):
    """A field of a model that no text can set."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    hook: Plain = Plain()


class Holder(BaseModel):
    """A model with that model."""

    model_config = ConfigDict(defer_build=True)

    inner: Unset = Unset()


class Twice(BaseModel):
    """Two fields with the same flag."""

    retry: Retry = Retry()
    retry_times: int = 3


class Required(BaseModel):
    """A field without a default."""

    size: int


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (Unset, "has a field 'hook' that no text can set: Plain"),
        (Holder, "has a field 'inner' that no text can set: Plain"),
        (Twice, "has a field 'retry_times' whose flag --acme-retry-times another one has"),
        (Required, "has a field 'size' without a default"),
    ],
)
def test_models_that_text_cannot_set_are_refused(model: type[BaseModel], problem: str) -> None:
    """The field is named with its path."""
    with pytest.raises(PluginFault) as raised:
        options_of(of(model))
    assert str(raised.value) == f"Settings section 'acme' {problem}"


def test_misspelt_variables_are_reported(plugged: Catalog) -> None:
    """Only those of a section, with the one that is meant; values are not shown."""
    environment = {
        "TESSERACT_RUNTIME_ACME_PASWORD": "hush",
        "TESSERACT_ACME_TRACKER_RETRY_TIMS": "3",
        "TESSERACT_ACME_TRACKER_TOKEN": "right",
        "TESSERACT_RUNTIME_SERVE_PORT": "1",
        "TESSERACT_SOMETHING": "else",
        "ACME_FOLDER": "x",
    }
    assert [*misspelt_variables(plugged, environment)] == [
        "TESSERACT_RUNTIME_ACME_PASWORD is not an option of the plugin acme. Did you mean "
        "'TESSERACT_RUNTIME_ACME_PASSWORD'?",
        "TESSERACT_ACME_TRACKER_RETRY_TIMS is not an option of the plugin acme. Did you mean "
        "'TESSERACT_ACME_TRACKER_RETRY_TIMES'?",
    ]


def test_options_of_a_command_are_not_misspelt(catalog: Catalog) -> None:
    """A command may have the name of a section, and so the beginning of its variables."""
    declared = Settings(name="check", summary="", load=lambda: Retry)
    plugged = with_plugins(catalog, {"settings": [declared]})
    variables = {"TESSERACT_RUNTIME_CHECK_MARK": "!", "TESSERACT_CHECK_MARK": "!"}
    (found,) = misspelt_variables(plugged, variables)
    assert found.startswith("TESSERACT_CHECK_MARK is not an option")


def test_the_command_line_reports_misspelt_variables(capsys: pytest.CaptureFixture[str]) -> None:
    """A command works and warns once on stderr."""
    variables = {"TESSERACT_MEMO_BITES": "1"}
    assert dispatch(["check-gradients", "--help"], variables) == 0
    assert dispatch(["--debug", "health"], variables) == 0
    captured = capsys.readouterr()
    assert captured.err.count("Warning: TESSERACT_MEMO_BITES is not an option of") == 1
    assert "Did you mean 'TESSERACT_MEMO_BYTES'?" in captured.err


def test_configuration_has_options_by_name(plugged: Catalog) -> None:
    """An option of a model in a model is an attribute of the configuration."""
    config: RuntimeConfig = resolve(
        plugged, flags={"acme_tracker_retry_times": "7"}, environment={}
    )
    assert config.acme_tracker_retry_times == 7
    assert config.acme_other_url is None
