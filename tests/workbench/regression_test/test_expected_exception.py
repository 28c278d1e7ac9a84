"""Exceptions are found by name among imported modules, without importing any."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pydantic
import pydantic_core
import pytest

from runtime_core.errors import InvalidPayload, TesseractRuntimeError, UnknownName
from tesseract_runtime_workbench.regression_test.expected_exception import (
    find_exception,
    mismatch,
)

REFUSED = InvalidPayload([{"loc": ["inputs", "x"], "msg": "Field required"}])


@pytest.mark.parametrize(
    ("name", "exception"),
    [
        ("ValueError", ValueError),
        ("SystemExit", SystemExit),
        ("builtins.KeyError", KeyError),
        ("ValidationError", pydantic_core.ValidationError),
        ("pydantic.ValidationError", pydantic.ValidationError),
        ("pydantic_core._pydantic_core.ValidationError", pydantic_core.ValidationError),
        ("InvalidPayload", InvalidPayload),
        ("runtime_core.errors.InvalidPayload", InvalidPayload),
        ("json.JSONDecodeError", json.JSONDecodeError),
        ("json.decoder.JSONDecodeError", json.JSONDecodeError),
        ("numpy.linalg.LinAlgError", np.linalg.LinAlgError),
    ],
)
def test_exceptions_are_found(name: str, exception: type[BaseException]) -> None:
    """A builtin is found by its name, any other class by its module and name."""
    assert find_exception(name, sys.modules) is exception


@pytest.mark.parametrize(
    "name", ["ValueEror", "print", "int", "json", "json.loads", "json.x.y", "x.y.Error"]
)
def test_other_names_are_not_found(name: str) -> None:
    """Only exceptions are found."""
    with pytest.raises(UnknownName):
        find_exception(name, sys.modules)


def test_nested_class_is_found() -> None:
    """A class can be an attribute of another."""

    class Solver:
        class Diverged(Exception):
            pass

    module = ModuleType("solver")
    module.__dict__["Solver"] = Solver
    assert find_exception("solver.Solver.Diverged", {"solver": module}) is Solver.Diverged


def test_nothing_is_imported() -> None:
    """Modules that are not imported or lazy are not loaded."""
    lazy = ModuleType("lazy")
    lazy.__dict__["__getattr__"] = lambda name: pytest.fail(f"{name} was asked for")
    with pytest.raises(UnknownName):
        find_exception("lazy.Error", {"lazy": lazy})
    assert "antigravity" not in sys.modules
    with pytest.raises(UnknownName):
        find_exception("antigravity.Error", sys.modules)
    assert "antigravity" not in sys.modules


def test_unknown_exception_is_explained() -> None:
    """A misspelled name gets the nearest one as a suggestion."""
    with pytest.raises(UnknownName) as caught:
        find_exception("ValueEror", sys.modules)
    assert str(caught.value) == (
        "No exception 'ValueEror' is imported. Did you mean 'ValueError'? A class that is not a "
        "builtin is named with its module, as in package.module.Name."
    )


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (KeyError("k"), KeyError),
        (KeyError("k"), LookupError),
        (REFUSED, InvalidPayload),
        (REFUSED, TesseractRuntimeError),
        (REFUSED, pydantic_core.ValidationError),
        (REFUSED, ValueError),
    ],
)
def test_exceptions_that_match(raised: BaseException, expected: type[BaseException]) -> None:
    """A class and its bases match; an invalid payload counts as pydantic's error too."""
    assert mismatch(raised, expected, None) is None


def test_exceptions_that_do_not_match() -> None:
    """Another exception is reported with its text."""
    assert mismatch(KeyError("k"), ValueError, None) == "expected ValueError, got KeyError: 'k'"


def test_regex_is_searched() -> None:
    """A regular expression is searched anywhere in the text."""
    assert mismatch(REFUSED, ValueError, r"x: Field \w+$") is None
    assert mismatch(REFUSED, ValueError, r"^x") == (
        "expected the text of ValueError to match '^x', got 'inputs.x: Field required'"
    )


def test_exception_without_a_text() -> None:
    """An exception without a readable text matches by its class alone."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert mismatch(Mute(), Mute, None) is None
    assert mismatch(Mute(), Mute, "a") == "expected the text of Mute to match 'a', got ''"
