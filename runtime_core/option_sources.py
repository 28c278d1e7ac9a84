"""The sources of options: flags and environment variables, and the messages for wrong values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from runtime_core.errors import InvalidOption
from runtime_core.secret_fields import secrets_of

Options = TypeVar("Options", bound=BaseModel)

Given = tuple[Any, str]
"""The value of an option, and its flag or variable."""

FieldPath = tuple[str, ...]
"""The names of the fields from a model to the value of an option."""

PREFIXES = ("TESSERACT_RUNTIME_", "TESSERACT_")
"""Prefixes of environment variables, strongest first."""


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Describes the flag of an option, in the `Annotated` type of its field.

    `variables` are further environment variables; with `None` none is read. `--help` leaves
    `advanced` options out, and `--help-all` lists them. Options of plugins that cannot change a
    result say so, which keeps them out of the addresses of calls.
    """

    short: str | None = None
    variables: Sequence[str] | None = ()
    advanced: bool = False
    changes_results: bool = True


ADVANCED = Flag(advanced=True)


def flag_name(option: str) -> str:
    """Return the flag of an option.

    >>> flag_name("output_path")
    '--output-path'
    """
    return "--" + option.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The flags and the environment."""

    flags: Mapping[str, Any]
    environment: Mapping[str, str]

    def of(self, *options: str) -> Iterator[tuple[str, Given]]:
        """Yield the given values of an option, which may have several names, strongest first."""
        for option in options:
            if option in self.flags:
                yield option, (self.flags[option], flag_name(option))
        for start in PREFIXES:
            for option in options:
                variable = start + option.upper()
                if self.environment.get(variable):
                    yield option, (self.environment[variable], variable)

    def strongest(self, options: Iterable[Sequence[str]]) -> dict[str, Given]:
        """Return the strongest value of each given option, by the name that gave it."""
        return dict(first for names in options if (first := next(self.of(*names), None)))


def validated_options(model: type[Options], given: Mapping[str, Given]) -> Options:
    """Validate options as an instance of their model; `InvalidOption` lists all faults."""
    try:
        return model(**{option: value for option, (value, _) in given.items()})
    except ValidationError as error:
        places: dict[FieldPath, tuple[str, Any]] = {
            (name,): (flag_name(name), field.annotation)
            for name, field in model.model_fields.items()
        }
        by_path: dict[FieldPath, Given] = {(name,): each for name, each in given.items()}
        raise invalid_options(error, places, by_path) from None


def invalid_options(
    error: ValidationError,
    places: Mapping[FieldPath, tuple[str, Any]],
    given: Mapping[FieldPath, Given],
) -> InvalidOption:
    """Return the error for options; `places` are their flags and types."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False):
        if fault["type"] == "default_factory_not_called":
            continue  # it follows from an option that is at fault itself
        loc = tuple(map(str, fault["loc"]))
        path = next((path for path in places if loc[: len(path)] == path), loc)
        problem = fault["msg"].removeprefix("Value error, ")
        flag, annotation = places.get(path, (".".join(loc) or "options", None))
        faults.append(
            invalid_value(given[path], problem, annotation)
            if path in given
            else f"{flag}: {problem}"
        )
    return InvalidOption("\n".join(faults))


def invalid_value(given: Given, problem: str, annotation: Any) -> str:
    """Return the message for a wrong value of an option, which is masked if it is secret."""
    value, source = given
    if not secrets_of(annotation):
        return f"{source}={value!r}: {problem}"
    return f"{source}=***: {problem.replace(str(value), '***')}"
