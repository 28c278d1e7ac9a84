"""Lists of paths in payloads: how many there may be."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, create_model

from runtime_core import Array, Differentiable, Float64
from runtime_core.schemas.differentiable import MOST_PATHS, DifferentiableArrays


class Schema(BaseModel):
    """A schema with any number of paths."""

    x: list[Differentiable[Array[(), Float64]]]


def test_a_list_of_more_paths_than_the_bound_is_refused() -> None:
    """The paths beyond the bound are not looked at."""
    field = DifferentiableArrays(Schema).paths_of_outputs("Paths.")
    model = create_model("Payload", paths=field)
    model.model_validate({"paths": [f"x.[{number}]" for number in range(MOST_PATHS)]})
    with pytest.raises(ValidationError, match="at most 10000 items"):
        model.model_validate({"paths": ["x.[0]"] * MOST_PATHS + ["no path"]})
