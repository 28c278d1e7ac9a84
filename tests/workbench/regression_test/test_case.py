"""A case is validated before any computation, and all its faults are reported."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tesseract_runtime_workbench.regression_test.case import RegressionCase


def faults(case: Any) -> dict[str, str]:
    """Return the faults of a case, by place."""
    with pytest.raises(ValidationError) as caught:
        RegressionCase.model_validate(case)
    errors = caught.value.errors(include_url=False)
    return {".".join(map(str, fault["loc"])): fault["msg"] for fault in errors}


def test_defaults() -> None:
    """A case needs an endpoint and an expectation; the rest has defaults."""
    case = RegressionCase.model_validate({"endpoint": "apply", "expected_outputs": {}})
    assert (case.payload, case.atol, case.rtol) == (None, 1e-8, 1e-5)
    assert (case.skip_output_path_checks, case.cli_config) == (False, {})


def test_null_is_the_default() -> None:
    """An explicit null equals an omitted key, for every key but the endpoint."""
    brief = {"endpoint": "apply", "expected_outputs": {"y": 1}}
    nulls = dict.fromkeys(RegressionCase.model_fields) | brief
    assert RegressionCase.model_validate(nulls) == RegressionCase.model_validate(brief)


def test_null_outputs_beside_an_exception() -> None:
    """Null outputs are not an expectation."""
    case = RegressionCase.model_validate(
        {"endpoint": "apply", "expected_outputs": None, "expected_exception": "ValueError"}
    )
    assert case.expected_exception == "ValueError"


@pytest.mark.parametrize(
    ("expectations", "got"),
    [
        ({}, "has neither"),
        ({"expected_outputs": {}, "expected_exception": "ValueError"}, "has both"),
        ({"expected_outputs": {"y": 1}, "expected_exception": "ValueError"}, "has both"),
    ],
)
def test_exactly_one_expectation(expectations: dict[str, Any], got: str) -> None:
    """A case expects outputs or an exception, and not both."""
    assert faults({"endpoint": "apply", **expectations}) == {
        "expected_exception": "A case needs either expected_outputs or expected_exception, "
        f"and {got}"
    }


def test_regex_needs_an_exception() -> None:
    """A regular expression needs an expected exception."""
    wrong = faults({"endpoint": "apply", "expected_outputs": {}, "expected_exception_regex": "a"})
    assert wrong == {
        "expected_exception_regex": "It is the text of an exception: name that in "
        "expected_exception too"
    }


def test_all_faults_at_once() -> None:
    """Every fault of a case is reported, with its location and value."""
    wrong = faults(
        {
            "expected_outputs": {},
            "expected_exception": "raise it",
            "expected_exception_regex": "(",
            "atol": -1,
            "rtol": "nan",
            "cli_config": [],
            "tolerance": 1,
        }
    )
    assert wrong == {
        "endpoint": "Field required",
        "expected_exception": "'raise it' is not the name of a class: write ValueError, or "
        "package.module.Name",
        "expected_exception_regex": "'(' is not a valid regular expression: missing ), "
        "unterminated subpattern at position 0",
        "atol": "Input should be greater than or equal to 0",
        "rtol": "Input should be a finite number",
        "cli_config": "Input should be a valid dictionary",
        "tolerance": "Extra inputs are not permitted",
    }


@pytest.mark.parametrize("name", ["", ".", "a.", "a b", "os.system('x')", "é.1"])
def test_names_of_no_class(name: str) -> None:
    """The name of an exception consists of identifiers with dots between them."""
    wrong = faults({"endpoint": "apply", "expected_exception": name})
    assert wrong["expected_exception"].startswith(f"{name!r} is not the name of a class")
