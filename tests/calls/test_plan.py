"""Plans: made once for an endpoint and its documents, and taken many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime, Wire
from runtime_core.errors import InvalidOption, InvalidPayload, PluginFailed, UnknownName

Make = Callable[..., Runtime]

TAKES_ITS_TIME = """
from pydantic import BaseModel, field_validator
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

    @field_validator("x")
    @classmethod
    def _count(cls, x):
        VALIDATED.append(x)
        return x

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    return OutputSchema(y=2 * inputs.x)

VALIDATED = []
"""
"""A Tesseract that remembers which inputs were validated."""


def test_plan_is_made_once_for_each_pair_of_forms(runtime: Make) -> None:
    """The runtime keeps the plan of an endpoint, a format of payloads and a form of results."""
    made = runtime()
    plan = made.plan("apply", "json", Wire(format="json+base64"))
    assert made.plan("apply", "json", Wire(format="json+base64")) is plan
    assert made.plan("apply", "msgpack", Wire(format="json+base64")) is not plan
    assert made.plan("apply") is not plan


def test_plan_evaluates_values_many_times(runtime: Make) -> None:
    """Values are validated as a payload, and the result is a model."""
    plan = runtime().plan("apply")
    for number in (1.0, 2.0):
        result: Any = plan.evaluate({"inputs": {"x": [number]}})
        np.testing.assert_array_equal(result.root.y, [2 * number])
    with pytest.raises(InvalidPayload):
        plan.evaluate({"inputs": {"x": "one"}})


def test_outputs_of_validated_inputs_need_no_second_validation(runtime: Make) -> None:
    """The author's validators do not see validated inputs again."""
    made = runtime(TAKES_ITS_TIME)
    inputs = made.api.input_schema(x=[1.5])
    seen = len(made.api.module.VALIDATED)
    assert made.plan("apply").outputs(inputs=inputs).y.tolist() == [3.0]
    assert len(made.api.module.VALIDATED) == seen


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("aply",), UnknownName),
        (("apply", "jsn"), UnknownName),
        (("apply", "json", Wire(format="json", array_encoding="raw")), InvalidOption),
    ],
)
def test_plan_that_cannot_be_made_is_refused_each_time(
    asked: Any, error: type[Exception], runtime: Make
) -> None:
    """An error of a plan is not kept."""
    made = runtime()
    for _ in range(2):
        with pytest.raises(error):
            made.plan(*asked)


def test_withdrawn_endpoint_has_no_plan(runtime: Make) -> None:
    """An endpoint whose plugin fails is not computed by a plan from before."""
    made = runtime()
    made.plan("apply")
    made.withdraw("apply", PluginFailed("a plugin", "it fails", declaration="apply"))
    with pytest.raises(UnknownName, match="apply"):
        made.plan("apply")
