"""Where secrets are in types of any form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypeVar

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, Field, RootModel, Secret, SecretStr
from typing_extensions import TypeAliasType, TypedDict

from runtime_core.secret_fields import Secrets, secrets_of
from tesseract_runtime_authoring import LazySequence

T = TypeVar("T")

Token = NewType("Token", SecretStr)
Named = TypeAliasType("Named", SecretStr | None)
Nested = TypeAliasType("Nested", "list[Nested] | int")


class Key(RootModel[SecretStr]):
    """A secret of a class of its own."""


class Boxed(BaseModel, Generic[T]):
    """A generic model."""

    item: T


@dataclass
class Record:
    """A dataclass."""

    key: SecretStr


class Heir(Record):
    """A dataclass without fields of its own."""


class Row(NamedTuple):
    """A named tuple."""

    key: SecretStr


class Dictionary(TypedDict):
    """A typed dict."""

    key: Annotated[SecretStr, "of the door"]


class Aliased(BaseModel):
    """Names of a field."""

    key: SecretStr = Field(validation_alias=AliasChoices("token", AliasPath("login", 0)))


@pytest.mark.parametrize(
    ("annotation", "names"),
    [
        (Record, {"key"}),
        (Heir, {"key"}),
        (Row, {"key"}),
        (Dictionary, {"key"}),
        (Aliased, {"key", "token", "login"}),
        (Boxed[SecretStr], {"item"}),
        (Boxed[Key], {"item", "root"}),
        (Boxed[Token], {"item"}),
        (Boxed[Named], {"item"}),
        (Boxed[dict[str, Secret[int]]], {"item"}),
        (LazySequence[Boxed[SecretStr]], {"item"}),
        (Boxed[Nested], set()),
        (LazySequence[Row] | int, {"key"}),
    ],
    ids=lambda part: str(part) if not isinstance(part, set) else "-".join(sorted(part)),
)
def test_fields_of_any_type_are_found(annotation: Any, names: set[str]) -> None:
    """Their names and aliases are those of which a fault can have a value."""
    assert secrets_of(annotation) == Secrets(whole=False, names=frozenset(names))


@pytest.mark.parametrize(
    "annotation", [SecretStr, Key, Token, Named, Secret[int], LazySequence[SecretStr]], ids=str
)
def test_a_type_can_be_secret_as_a_whole(annotation: Any) -> None:
    """Then no value of it may be shown."""
    assert secrets_of(annotation).whole
