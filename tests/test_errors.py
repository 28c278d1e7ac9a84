"""Errors: their kinds, HTTP status and exit codes."""

from __future__ import annotations

import pickle

import pydantic
import pytest
from pydantic_core import to_json

from runtime_core import errors
from runtime_core.errors import (
    FaultKind,
    InvalidItem,
    InvalidPayload,
    TesseractRuntimeError,
    did_you_mean,
    listed,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, TesseractRuntimeError)
]


def test_a_kind_is_its_text() -> None:
    """Kinds are written and read as text."""
    assert FaultKind("timed_out") is FaultKind.TIMED_OUT
    assert pickle.loads(pickle.dumps(FaultKind.TIMED_OUT)) is FaultKind.TIMED_OUT
    assert to_json(FaultKind.TIMED_OUT) == b'"timed_out"'


@pytest.mark.parametrize("kind", FaultKind)
def test_exit_code_follows_the_status(kind: FaultKind) -> None:
    """A fault of the caller is a 4xx with exit code 2; any other is a 5xx with exit code 1.

    An unwritable target is the caller's fault on the command line alone.
    """
    assert 400 <= kind.status < 600
    callers_fault = kind.status < 500 or kind is FaultKind.NOT_WRITTEN
    assert kind.exit_code == (2 if callers_fault else 1)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_has_a_kind(error: type[TesseractRuntimeError]) -> None:
    """Each class of error has a kind and a docstring."""
    assert error.kind in FaultKind
    assert error.__doc__


def test_invalid_payload_has_a_line_for_each_fault() -> None:
    """The text of a refused payload has every fault with its place."""
    error = InvalidPayload(
        [{"loc": ["inputs", "layers", 0], "msg": "wrong"}, {"loc": [], "msg": "worse"}]
    )
    assert str(error) == "inputs.layers.0: wrong\npayload: worse"
    assert len(error.details) == 2


def test_faults_are_an_error_of_pydantic_word_by_word() -> None:
    """Messages stay as they are, even if they have the names of their context in braces."""
    fault = {"type": "odd", "loc": ("x", 0), "msg": "Not {n} in {m}", "ctx": {"n": 1, "k": 2}}
    error = InvalidItem.of([fault])
    assert isinstance(error, pydantic.ValidationError)
    assert error.errors() == [{**fault, "input": None, "ctx": {"k": 2}}]
    assert (error.error_count(), str(error)) == (1, "x.0: Not {n} in {m}")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("aply", " Did you mean 'apply'?"),
        ("Apply", " Did you mean 'apply'?"),
        ("input_schema", " Did you mean 'input-schema'?"),
        ("zebra", ""),
        ("", ""),
    ],
)
def test_nearest_name_is_suggested(name: str, suggestion: str) -> None:
    """A slip is met with the nearest choice, and a stranger with none."""
    assert did_you_mean(name, ["apply", "health", "input-schema"]) == suggestion


def test_names_are_listed_in_order() -> None:
    """A list of names for a message is sorted; an empty one is `none`."""
    assert listed({"b", "c", "a"}) == "a, b, c"
    assert listed([]) == "none"


def test_long_names_are_not_compared() -> None:
    """A name that is longer than any known one gets no suggestion, and takes no time."""
    assert did_you_mean("a" * 255, ["a" * 254]) == f" Did you mean '{'a' * 254}'?"
    assert did_you_mean("a" * 256, ["a" * 255]) == ""
