"""The faults of a call that one endpoint makes of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.errors import InvalidPayload, UnknownName
from runtime_core.paths import InvalidPath

Make = Callable[..., Runtime]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({}, None),
        ({"inputs": "inputs"}, ["inputs", "x"]),
        ({"inputs": "points.[2].at"}, ["points", 2, "at", "x"]),
        ({"inputs": "all", "inputs.x": "named.{a.b}"}, ["named", "a.b"]),
        ({"inputs.y": "y"}, None),
    ],
)
def test_faults_are_moved_to_the_place_of_the_caller(
    places: Mapping[str, str], expected: list[Any] | None, runtime: Make
) -> None:
    """The longest path counts; what has no place is not the caller's fault."""
    with pytest.raises(InvalidPayload if expected else ValueError) as refused:
        runtime().compute("apply", {"inputs": {"x": "text"}}, places)
    if isinstance(refused.value, InvalidPayload):
        assert [fault["loc"] for fault in refused.value.details] == [expected]
    else:
        assert "it has made an invalid payload for apply: inputs.x: " in str(refused.value)


def test_a_result_is_a_model(runtime: Make) -> None:
    """Of an endpoint that is not there, the reason is reported."""
    result: Any = runtime().compute("apply", {"inputs": {"x": [1.0]}})
    assert result.root.y == [2.0]
    with pytest.raises(UnknownName, match="Endpoint 'jacobian' is not available"):
        runtime().compute("jacobian", {})
    with pytest.raises(InvalidPath):
        runtime().compute("apply", {}, {"inputs": "points["})
