"""Clients find in our OpenAPI documents of nested schemas what they found in the original's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from runtime_core import Float64, Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.description.openapi import openapi_document
from runtime_core.runtime import local_runtime

GOLDEN = Path(__file__).resolve().parent
FACTS: Mapping[str, Any] = {
    path.stem: json.loads(path.read_bytes()) for path in sorted((GOLDEN / "schemas").glob("*.json"))
}
PAYLOADS: Mapping[str, Any] = json.loads((GOLDEN / "payloads.json").read_bytes())

LOADED = [name for name, facts in FACTS.items() if "fails" not in facts]
SIDES = ["ApplyInputSchema", "ApplyOutputSchema"]

NOT_OURS = {
    "BinrefArrayData": "the encoding of a plugin",
    "CudaIpcArrayData": "arrays of a GPU are not offered",
    "JsonValue": "the buffer of JsonArrayData has a schema without it",
}
"""Components of the original that are not ours, with the reason."""

VECTOR = {"dtype": "float64", "shape": [3]}
LAYER = ["weights", "offset", "name"]

OURS: Mapping[str, Mapping[str, Any]] = {
    # CONTRACT.md, 4: fixed tuples get literal indices in paths.
    "fixed_tuples": {
        "differentiable_arrays": {
            "pair.[0].weights": VECTOR,
            "pair.[1]": VECTOR,
            "alike.[0]": VECTOR,
            "alike.[1]": VECTOR,
            "pairs.[].[1].weights": VECTOR,
        },
        "field_order": {
            "": ["pair", "alike", "numbered", "pairs"],
            "pair.[0]": LAYER,
            "pairs.[].[1]": LAYER,
        },
    },
}
"""What we tell of a model instead of what the original told."""

Components = Callable[[str], dict[str, Any]]

# pydantic warns of the field `json` of awkward_names, here as everywhere.
pytestmark = pytest.mark.filterwarnings("ignore:Field name .* shadows an attribute:UserWarning")


@pytest.fixture(scope="module")
def golden(catalog: Catalog) -> Callable[[str], Runtime]:
    """Return a function that makes the runtime of a model."""

    def make(name: str) -> Runtime:
        flags = {"api_path": str(GOLDEN / "schemas" / f"{name}.py")}
        return local_runtime(catalog, resolve(catalog, flags=flags, environment={}))

    return make


@pytest.fixture(scope="module")
def components(golden: Callable[[str], Runtime]) -> Components:
    """Return a function that gives the components of a model's OpenAPI document, made once."""
    made: dict[str, dict[str, Any]] = {}

    def read(name: str) -> dict[str, Any]:
        if name not in made:
            made[name] = openapi_document(golden(name))["components"]["schemas"]
        return made[name]

    return read


@pytest.mark.parametrize("name", LOADED)
def test_every_component_has_the_name_that_clients_know(name: str, components: Components) -> None:
    """No component is missing, those of nested models and generics included."""
    wanted = {component for component in FACTS[name]["components"] if component not in NOT_OURS}
    assert wanted - set(components(name)) == set()


@pytest.mark.parametrize("key", ["differentiable_arrays", "field_order"])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", LOADED)
def test_clients_are_told_the_same_of_nested_schemas(
    name: str, side: str, key: str, components: Components
) -> None:
    """Paths, data types, shapes and orders are the original's, but for what `OURS` lists."""
    expected = OURS.get(name, {}).get(key, FACTS[name][side][key])
    assert components(name)[side][key] == expected


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_differs_still_differs(name: str) -> None:
    """An exception that has become the rule must go from `OURS`."""
    for key, ours in OURS[name].items():
        assert ours != FACTS[name]["ApplyInputSchema"][key]


@pytest.mark.parametrize("component", PAYLOADS)
def test_payloads_have_the_names_that_clients_send(component: str, components: Components) -> None:
    """Keys, titles and what is required are the original's; what it describes, we describe."""
    theirs, ours = PAYLOADS[component], components("three_deep")[component]
    properties = theirs.get("properties", {})
    assert ours["title"] == theirs["title"]
    assert ours.get("required", []) == theirs.get("required", [])
    assert set(properties) <= set(ours.get("properties", {}))
    for key, schema in properties.items():
        assert ours["properties"][key].get("title") == schema.get("title")
        assert ours["properties"][key]["description"]
    assert "description" in ours or "description" not in theirs


@pytest.mark.parametrize("component", [name for name in PAYLOADS if "Input" in name])
def test_payloads_refuse_other_keys(component: str, components: Components) -> None:
    """A payload has the keys that are known and no others."""
    ours = components("three_deep")[component]
    optional = {"batch"} - set(ours["required"])  # it is ours alone
    assert set(ours["properties"]) - optional == set(PAYLOADS[component]["properties"])
    assert ours["additionalProperties"] is False


@pytest.mark.parametrize(
    ("other", "value"), [(str, "NaN"), (int, 3), (float, 3.5), (bool, True)], ids=str
)
def test_a_union_takes_the_type_that_a_value_has(other: Any, value: Any) -> None:
    """Read off the original: what is no array stays what it is where a union allows it."""
    read = TypeAdapter(Float64 | other).validate_python(value)
    assert type(read) is other


@pytest.mark.parametrize(
    ("other", "value"), [(str, 3), (str, 3.5), (int, 3.5), (int, True), (float, 3), (bool, 3)]
)
def test_a_union_takes_an_array_where_no_other_type_fits(other: Any, value: Any) -> None:
    """Read off the original: a number of another type than the union's is an array."""
    read = TypeAdapter(Float64 | other).validate_python(value)
    assert type(read) is np.float64


def test_a_model_that_contains_itself_without_arrays_loads(components: Components) -> None:
    """The original cannot load it; for us only arrays have no place in it."""
    assert FACTS["recursive_plain"] == {"fails": True}
    inputs = components("recursive_plain")["ApplyInputSchema"]
    assert inputs["differentiable_arrays"] == {"array": VECTOR}
