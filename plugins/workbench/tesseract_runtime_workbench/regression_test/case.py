"""A regression case: what to ask of a Tesseract, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticUseDefault


def _default_for_null(value: object) -> object:
    if value is None:
        raise PydanticUseDefault
    return value


def _class_name(name: str) -> str:
    if not all(part.isidentifier() for part in name.split(".")):
        raise PydanticCustomError(
            "exception_name",
            "{name} names no class: write ValueError, or package.module.Name",
            {"name": repr(name)},
        )
    return name


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise PydanticCustomError(
            "regular_expression",
            "{text} is no regular expression: {reason}",
            {"text": repr(text), "reason": str(error)},
        ) from None
    return text


def _one_expectation(name: str | None, info: ValidationInfo) -> str | None:
    outputs = (info.data or {}).get("expected_outputs")
    if (name is None) == (outputs is None):
        raise PydanticCustomError(
            "one_expectation",
            "A case needs either expected_outputs or expected_exception, and {got}",
            {"got": "has neither" if name is None else "has both"},
        )
    return name


def _with_an_exception(text: str | None, info: ValidationInfo) -> str | None:
    if text is not None and (info.data or {}).get("expected_exception", "") is None:
        raise PydanticCustomError(
            "regex_alone", "It is the text of an exception: name that in expected_exception too"
        )
    return text


_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Tolerance = Annotated[
    _NotNegative,
    BeforeValidator(_default_for_null, json_schema_input_type=_NotNegative | None),
]


class RegressionCase(BaseModel):
    """A regression case; an explicit null is the same as leaving a key out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(description="The endpoint to ask, such as apply or jacobian.")
    payload: Any = Field(None, description="Its payload, as the endpoint itself takes it.")
    expected_outputs: Any = Field(None, description="The result that must come.")
    expected_exception: Annotated[
        Annotated[str, AfterValidator(_class_name)] | None, AfterValidator(_one_expectation)
    ] = Field(
        None,
        validate_default=True,
        description="The exception that must be raised instead: the name of a builtin, or "
        "package.module.Name of one that is imported by then. Subclasses of it count too.",
    )
    expected_exception_regex: Annotated[
        Annotated[str, AfterValidator(_regular_expression)] | None,
        AfterValidator(_with_an_exception),
    ] = Field(None, description="What must be found in the text of the exception.")
    atol: _Tolerance = Field(
        1e-8, description="Absolute tolerance of numbers that are no integers."
    )
    rtol: _Tolerance = Field(1e-5, description="Their tolerance relative to the expected number.")
    skip_output_path_checks: Annotated[
        bool, BeforeValidator(_default_for_null, json_schema_input_type=bool | None)
    ] = Field(False, description="Whether files that expected outputs name may be missing.")
    cli_config: Annotated[
        Mapping[str, Any],
        BeforeValidator(_default_for_null, json_schema_input_type=dict[str, Any] | None),
    ] = Field(
        default_factory=dict,
        description="Global options for this case, such as input_path, relative to the case's "
        "file. The command uses them, the endpoint does not; others are ignored.",
    )
