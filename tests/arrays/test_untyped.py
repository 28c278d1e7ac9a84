"""Places without a type: arrays in them are documents that say so, and numbers stay numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np
import pytest

from runtime_core import Call, Reply, Runtime, Wire

Make = Callable[..., Runtime]

SOURCE = """
from collections.abc import Mapping, Sequence
from typing import Any, Dict, List, Optional
import numpy as np
from pydantic import BaseModel, computed_field

class Open(BaseModel, extra="allow"):
    pass

class InputSchema(BaseModel):
    x: {annotation}

class OutputSchema(InputSchema):
    @computed_field
    def computed(self) -> Any:
        return {computed}

def apply(inputs):
    SEEN.append(inputs.x)
    return {{"x": {returned}}}

SEEN = []
"""

ARRAY = {
    "object_type": "array",
    "shape": [2],
    "dtype": "float64",
    "data": {"buffer": [1.5, "NaN"], "encoding": "json"},
}
VALUES = np.array([1.5, np.nan])

HOLDERS: dict[str, Callable[[Any], Any]] = {
    "Any": lambda value: value,
    "object": lambda value: value,
    "Optional[Any]": lambda value: [1, {"a": value}],
    "Any | None": lambda value: {"deep": [[value]]},
    **dict.fromkeys(("dict", "Dict", "dict[str, Any]", "Mapping"), lambda value: {"a": value}),
    **dict.fromkeys(("list", "List", "list[Any]", "Sequence", "tuple"), lambda value: [value]),
    **dict.fromkeys(("Open", "list[Open] | dict[str, Open]"), lambda value: {"a": {"b": value}}),
}
"""Annotations, each with a function that puts a value into a place without a type."""


def source(annotation: str, *, returned: str = "inputs.x", computed: str = "None") -> str:
    """Return a Tesseract with one field in its inputs and outputs."""
    return SOURCE.format(annotation=annotation, returned=returned, computed=computed)


def invoked(runtime: Runtime, body: bytes, body_format: str, output: str) -> Reply:
    """Return the reply of `apply`."""
    wire = Wire(format=output)
    call = Call(endpoint="apply", run_id="a", body=body, body_format=body_format, output=wire)
    return runtime.invoke(call)


def answer(runtime: Runtime, x: Any, form: str = "json") -> Any:
    """Return the answer to an input, with both documents in one format."""
    packed = msgpack.packb if form == "msgpack" else lambda tree: json.dumps(tree).encode()
    reply = invoked(runtime, packed({"inputs": {"x": x}}), form, form)
    assert reply.fault is None, reply.fault.message
    body = b"".join(reply.body)
    return msgpack.unpackb(body) if form == "msgpack" else json.loads(body)


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values in containers and models."""
    if hasattr(value, "model_extra"):
        value = {**dict(value), **(value.model_extra or {})}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.mark.parametrize("annotation", HOLDERS)
def test_documents_of_arrays_are_arrays(annotation: str, runtime: Make) -> None:
    """A mapping that says to be an array is one for `apply`, and is written as it came."""
    made = runtime(source(annotation))
    value = HOLDERS[annotation](ARRAY)
    assert answer(made, value)["x"] == value
    [array] = [v for v in leaves(made.api.module.SEEN[-1]) if isinstance(v, np.ndarray)]
    np.testing.assert_array_equal(array, VALUES)
    assert array.flags.writeable


@pytest.mark.parametrize("annotation", HOLDERS)
@pytest.mark.parametrize(
    "value",
    [
        {key: value for key, value in ARRAY.items() if key != "object_type"},
        {**ARRAY, "object_type": "tensor"},
        {**ARRAY, "object_type": ["array"]},
    ],
    ids=["none", "tensor", "list"],
)
def test_other_mappings_are_mappings(annotation: str, value: Any, runtime: Make) -> None:
    """A mapping without `"object_type": "array"` is not an array, whatever else it has."""
    value = HOLDERS[annotation](value)
    assert answer(runtime(source(annotation)), value)["x"] == value


@pytest.mark.parametrize("annotation", HOLDERS)
@pytest.mark.parametrize(
    ("form", "written"), [("json", str), ("json+base64", str), ("msgpack", float)]
)
def test_numbers_that_are_not_finite_stay(
    annotation: str, form: str, written: type[Any], runtime: Make
) -> None:
    """NaN and infinities are texts in JSON and numbers in msgpack, and never null."""
    for number in (math.nan, math.inf, -math.inf):
        found = answer(runtime(source(annotation)), HOLDERS[annotation](number), form)["x"]
        [text] = (v for v in leaves(found) if type(v) is written)
        assert str(float(text)) == str(number)


@pytest.mark.parametrize("annotation", ["Any", "object", "dict", "list[Any]", "dict[str, Any]"])
def test_numbers_in_models_of_the_author_stay(annotation: str, runtime: Make) -> None:
    """An instance of a class of the author is written as its numbers are, at any depth."""
    instance = "Inner(n=np.inf, more=[{'a': -np.inf}], when=date(2020, 1, 2))"
    holder = {"dict": "{{'a': {}}}", "list": "[{}]"}.get(annotation.partition("[")[0], "{}")
    code = source(annotation, returned=holder.format(instance)) + (
        "from datetime import date\n"
        "class Inner(BaseModel):\n    n: Any\n    more: list\n    when: date\n"
    )
    found = str(answer(runtime(code), HOLDERS[annotation](1))["x"])
    assert "{'n': 'Infinity', 'more': [{'a': '-Infinity'}], 'when': '2020-01-02'}" in found


def test_numbers_of_computed_fields_and_extras_stay(runtime: Make) -> None:
    """A computed field and an unknown key of a result have no type, either."""
    computed = "[np.nan, {'a': np.inf}, np.float32(-np.inf), np.int64(3), np.arange(2)]"
    found = answer(runtime(source("Open", computed=computed)), {"more": [math.nan]})
    assert found["x"] == {"more": ["NaN"]}
    *numbers, array = found["computed"]
    assert numbers == ["NaN", {"a": "Infinity"}, "-Infinity", 3]
    assert array["data"]["buffer"] == [0, 1]


@pytest.mark.parametrize("form", ["json", "json+base64", "msgpack"])
@pytest.mark.parametrize("size", [3, 10_000])
def test_arrays_are_written_in_the_encoding_of_the_format(
    form: str, size: int, runtime: Make
) -> None:
    """An array of any size is a document like that of a field with a type."""
    made = runtime(source("Any", returned=f"[{{'a': np.arange({size}.0)}}]"))
    [holder] = answer(made, None, form)["x"]
    again = runtime(source("Any"))
    answer(again, holder, form)
    [seen] = again.api.module.SEEN
    np.testing.assert_array_equal(seen["a"], np.arange(float(size)))
    assert holder["a"]["data"]["encoding"] == {"msgpack": "raw", "json": "json"}.get(form, "base64")


def test_faults_of_arrays_have_their_place(runtime: Make) -> None:
    """Every rule of arrays holds, and the fault names the path inside of the value."""
    wrong = {**ARRAY, "shape": [3]}
    body = json.dumps({"inputs": {"x": {"a": [0, wrong]}}}).encode()
    fault = invoked(runtime(source("dict")), body, "json", "json").fault
    assert fault is not None
    [detail] = fault.details
    assert (detail["type"], detail["loc"]) == ("array_decode_error", ["inputs", "x", "a", 1])


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("np.ma.masked_array([1.0], [True])", "replace them with .filled(value)"),
        ("[np.array(['a'])]", "contains non-numeric data"),
        ("{'a': object()}", "Unable to serialize unknown type: <class 'object'>"),
    ],
)
def test_what_cannot_be_written_is_a_fault(returned: str, message: str, runtime: Make) -> None:
    """A result that is neither an array of numbers nor a value of JSON is refused."""
    fault = invoked(
        runtime(source("Any", returned=returned)), b'{"inputs":{"x":1}}', "json", "json"
    ).fault
    assert fault is not None
    assert fault.message.startswith("The result cannot be written: ")
    assert message in fault.message


@pytest.mark.parametrize("annotation", ["Any", "list", "dict"])
def test_binary_parts_are_bytes(annotation: str, runtime: Make) -> None:
    """Bytes of a document are those of `apply`, which may keep them."""
    made = runtime(source(annotation))
    answer(made, HOLDERS[annotation](b"abc"), "msgpack")
    assert [*leaves(made.api.module.SEEN)] == [b"abc"]


def test_values_of_python_that_contain_themselves_are_kept(runtime: Make) -> None:
    """A value in Python need not have an end."""
    value: list[Any] = []
    value.append(value)
    made = runtime(source("Any", returned="None"))
    made.call("apply", {"inputs": {"x": value}})
    assert made.api.module.SEEN[-1] is value
