"""A regression case and its result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo
from pydantic.functional_validators import field_validator, model_validator
from pydantic_core import PydanticCustomError

Status = Literal["passed", "failed", "error"]

_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RegressionCase(BaseModel):
    """A regression case; an explicit null equals an omitted key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(description="The endpoint to call, such as apply or jacobian.")
    payload: Any = Field(None, description="The payload of the endpoint.")
    expected_outputs: Any = Field(None, description="The expected result.")
    expected_exception: str | None = Field(
        None,
        validate_default=True,
        description="The exception that must be raised instead: the name of a builtin, or "
        "package.module.Name of an imported one. Subclasses match too.",
    )
    expected_exception_regex: str | None = Field(
        None, description="A regular expression that must match in the text of the exception."
    )
    atol: _NotNegative = Field(1e-8, description="Absolute tolerance of numbers.")
    rtol: _NotNegative = Field(1e-5, description="Tolerance relative to the expected number.")
    skip_output_path_checks: bool = Field(
        False, description="Whether files that expected outputs name may be missing."
    )
    cli_config: Mapping[str, Any] = Field(
        default_factory=dict,
        description="Global options for this case, such as input_path, relative to the case's "
        "file. The command uses them, the endpoint does not; others are ignored.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, document: Any) -> Any:
        if not isinstance(document, Mapping):
            return document
        return {key: value for key, value in document.items() if value is not None}

    @field_validator("expected_exception")
    @classmethod
    def _either_outputs_or_exception(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and not all(part.isidentifier() for part in name.split(".")):
            raise PydanticCustomError(
                "exception_name",
                f"{name!r} is not the name of a class: write ValueError, or package.module.Name",
            )
        if (name is None) == (info.data.get("expected_outputs") is None):
            raise PydanticCustomError(
                "one_expectation",
                "A case needs either expected_outputs or expected_exception, and has "
                + ("neither" if name is None else "both"),
            )
        return name

    @field_validator("expected_exception_regex")
    @classmethod
    def _regular_expression(cls, text: str, info: ValidationInfo) -> str:
        try:
            re.compile(text)
        except re.error as error:
            message = f"{text!r} is not a valid regular expression: {error}"
            raise PydanticCustomError("regular_expression", message) from None
        if info.data.get("expected_exception", "") is None:
            raise PydanticCustomError(
                "regex_alone", "It is the text of an exception: name that in expected_exception too"
            )
        return text


class CaseResult(BaseModel):
    """The result of a case, with every difference in its message."""

    status: Status = Field(
        description="Whether the outputs matched, differed, or the case could not be run."
    )
    message: str = Field(description="The expected and the actual values; empty if it passed.")
    endpoint: str = Field(description="The endpoint of the case.")
