"""The hints of refused payloads: similar names, and `inputs` that are missing around inputs."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, RootModel

from runtime_core.calls import validate_payload
from runtime_core.contracts import BoundEndpoint
from runtime_core.errors import InvalidPayload
from runtime_core.schemas import PayloadSchemas


class Layer(BaseModel):
    """A model inside of another."""

    weight: float = 0
    bias: float = 0


class Layers(RootModel[dict[str, Layer]]):
    """A model without a name of its own for its values."""


class InputSchema(BaseModel):
    """Inputs in which a field can be misspelt at any place."""

    alpha: float = 0
    beta: float = Field(0, alias="betaValue")
    layer: Layer = Layer()
    listed: list[Layer] = []
    named: dict[str, Layer] = {}
    pair: tuple[Layer, int] = (Layer(), 0)
    either: Layer | list[Layer] | int = 0
    annotated: Annotated[Layer | None, Field(description="Maybe.")] = None
    rooted: Layers = Layers({})


def faults(payload: Any, inputs: type[BaseModel] = InputSchema) -> list[str]:
    """Return the lines of the refusal of a payload."""
    model = PayloadSchemas(inputs, inputs).payload("ApplyInputSchema", inputs="Apply")
    endpoint = BoundEndpoint(payload=model, result=model, answer=lambda _: None)
    with pytest.raises(InvalidPayload) as caught:
        validate_payload(endpoint, payload, {})
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("inputs", "near"),
    [
        ({"alhpa": 1}, "alpha"),
        ({"betaVal": 1}, "betaValue"),
        ({"layer": {"wieght": 1}}, "weight"),
        ({"listed": [{}, {"wieght": 1}]}, "weight"),
        ({"named": {"alpha": {"wieght": 1}}}, "weight"),
        ({"pair": [{"wieght": 1}, 1]}, "weight"),
        ({"annotated": {"wieght": 1}}, "weight"),
        ({"rooted": {"first": {"wieght": 1}}}, "weight"),
        ({"alpha": 1, "alpha2": 2}, "alpha"),
    ],
)
def test_misspelt_field(inputs: Any, near: str) -> None:
    """A key that is almost a field gets its name, at any depth and if the field is given too."""
    [fault] = faults({"inputs": inputs})
    assert fault.endswith(f": Extra inputs are not permitted. Did you mean {near!r}?")


@pytest.mark.parametrize("value", [{"wieght": 1}, [{"wieght": 1}]])
def test_misspelt_field_in_a_union(value: Any) -> None:
    """The type of a union that a fault names does not hide the place."""
    extra = [fault for fault in faults({"inputs": {"either": value}}) if "wieght" in fault]
    assert extra
    assert all(fault.endswith("Did you mean 'weight'?") for fault in extra)


def test_no_hint() -> None:
    """A name like no field gets none."""
    [fault] = faults({"inputs": {"zzz": 1}})
    assert fault.endswith(": Extra inputs are not permitted")


def test_misspelt_key_of_the_payload() -> None:
    """The keys of the payload itself can be misspelt too."""
    assert faults({"input": {}}) == [
        "inputs: Field required",
        "input: Extra inputs are not permitted. Did you mean 'inputs'?",
    ]


@pytest.mark.parametrize(
    ("payload", "others"),
    [
        ({"alpha": 1, "layer": {}}, []),
        ({"betaValue": 1, "zzz": 1}, ["zzz: Extra inputs are not permitted"]),
    ],
)
def test_bare_inputs(payload: Any, others: list[str]) -> None:
    """Inputs without `inputs` around them get that as the next step, once."""
    assert faults(payload) == [
        'inputs: Field required: wrap the inputs in {"inputs": ...}',
        *others,
    ]


def test_missing_inputs() -> None:
    """A payload without anything of the inputs just lacks them."""
    assert faults({}) == ["inputs: Field required"]
