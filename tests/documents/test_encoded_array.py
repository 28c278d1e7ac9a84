"""Arrays of a dumped model as leaves of its tree, also where user code writes in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter

from runtime_core import Array, Call, Float64, Runtime, Wire, documents
from runtime_core.arrays.annotation import array_type
from runtime_core.catalog import Catalog
from runtime_core.contracts import EncodedArray

Make = Callable[..., Runtime]

SOURCE = """
import json
from typing import Any
import numpy as np
from pydantic import BaseModel, JsonValue, model_serializer
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    y: Array[..., Float64]
    z: JsonValue = None
{serializer}

def apply(inputs):
    return OutputSchema(y={y}, z={z})
"""

CHANGED = """
    @model_serializer(mode="wrap")
    def write(self, handler):
        tree = handler(self)
        return dict(tree, y=self.change(tree["y"]))

    def change(self, document):
        {change}
"""


def written(made: Runtime, format_: str = "json") -> Any:
    """Return the outputs of apply in a format, as another reader of JSON finds them."""
    call = Call(
        endpoint="apply",
        run_id="r",
        body=b'{"inputs":{}}',
        body_format="json",
        output=Wire(format=format_),
    )
    reply = made.invoke(call)
    assert reply.fault is None, reply.fault.message
    return json.loads(b"".join(reply.body))


def source(change: str = "return document", *, y: str = "np.ones(2)", z: str = "None") -> str:
    """Return a Tesseract whose serializer changes the document of its output."""
    return SOURCE.format(serializer=CHANGED.format(change=change), y=y, z=z)


BASE64 = "AAAAAAAA8D8AAAAAAADwPw=="


@pytest.mark.parametrize(("format_", "buffer"), [("json", [1.0, 1.0]), ("json+base64", BASE64)])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("return {**document, 'unit': 'm'}", lambda d: {**d, "unit": "m"}),
        ("return document['data']['buffer']", lambda d: d["data"]["buffer"]),
        ("return [document, document]", lambda d: [d, d]),
        ("return {'shape': document['shape']}", lambda d: {"shape": d["shape"]}),
        ("return {'data': document['data']}", lambda d: {"data": d["data"]}),
        ("document['shape'] = 'all'; return document", lambda d: {**d, "shape": "all"}),
        ("return {'of': {'x': [1, 'a', document]}}", lambda d: {"of": {"x": [1, "a", d]}}),
        ("return None", lambda d: None),
    ],
)
def test_user_code_may_change_the_document_of_an_array(
    change: str, expected: Callable[[Any], Any], format_: str, buffer: Any, runtime: Make
) -> None:
    """A serializer of the author sees a mapping, and what it makes of that is written."""
    document = {
        "object_type": "array",
        "shape": [2],
        "dtype": "float64",
        "data": {"buffer": buffer, "encoding": "json" if format_ == "json" else "base64"},
    }
    assert written(runtime(source(change)), format_)["y"] == expected(document)


def test_user_code_may_compute_with_numbers(runtime: Make) -> None:
    """In the encoding `json` a serializer of the author sees the numbers of an array."""
    change = "return [round(number, 1) for number in document['data']['buffer']]"
    assert written(runtime(source(change, y="np.array([0.123, 4.567])")))["y"] == [0.1, 4.6]


def test_user_code_may_write_a_text_of_the_document(runtime: Make) -> None:
    """Bytes of an array are text in a text, too."""
    change = "return 'base64: ' + document['data']['buffer']"
    assert written(runtime(source(change)), "json+base64")["y"] == f"base64: {BASE64}"


@pytest.mark.parametrize("format_", ["json", "json+base64"])
@pytest.mark.parametrize(
    "z",
    [
        {"object_type": "array", "shape": [2], "dtype": "float64", "data": {"buffer": "A"}},
        {"data": {"buffer": [1], "encoding": "json"}, "shape": [1], "dtype": "int8"},
        {
            "object_type": "array",
            "shape": [-1],
            "dtype": "float65",
            "data": {"buffer": {"a": [1]}, "encoding": 5},
        },
        {"object_type": "array", "shape": "x", "dtype": [], "data": []},
        {
            "object_type": "array",
            "shape": [1],
            "dtype": "int8",
            "data": {"buffer": [[[]]], "encoding": "json", "more": None},
        },
    ],
)
def test_what_looks_like_an_array_is_written_as_it_is(z: Any, format_: str, runtime: Make) -> None:
    """A JSON value that is, or is not quite, the document of an array stays what it is."""
    found = written(runtime(source(z=repr(z))), format_)["z"]
    assert json.dumps(found) == json.dumps(z)


def test_array_is_a_leaf_with_shape_and_data_type(catalog: Catalog) -> None:
    """Formats see what an array is, and its bytes are its own memory."""

    class Model(BaseModel):
        x: Array[(None, 2), Float64]
        many: list[dict[str, Array[..., Float64]]]

    x = np.arange(6.0).reshape(3, 2)
    tree = documents.tree_of(
        Model(x=x, many=[{"a": x[:1]}, {"b": np.float64(1)}]), {"array_encoding": "raw"}
    )
    leaves = [tree["x"], tree["many"][0]["a"], tree["many"][1]["b"]]
    assert all(type(leaf) is EncodedArray for leaf in leaves)
    assert [leaf.spec.shape for leaf in leaves] == [(3, 2), (1, 2), ()]
    assert {leaf.spec.dtype for leaf in leaves} == {np.dtype("float64")}
    assert np.shares_memory(np.frombuffer(leaves[0].buffer, np.uint8), x)


def test_array_as_numbers_is_a_mapping() -> None:
    """A format of JSON writes numbers without another walk over the tree."""
    adapter: TypeAdapter[Any] = TypeAdapter(array_type((None,), "float64", ()))
    tree = documents.dumped(lambda **options: adapter.dump_python(np.arange(2.0), **options), {})
    assert tree == {
        "object_type": "array",
        "shape": [2],
        "dtype": "float64",
        "data": {"buffer": [0.0, 1.0], "encoding": "json"},
    }


@pytest.mark.parametrize("encoding", ["base64", "raw"])
def test_fields_of_arrays_read_leaves(encoding: str) -> None:
    """An array field takes a leaf exactly as it takes the mapping."""
    adapter: TypeAdapter[Any] = TypeAdapter(array_type((None,), "float64", ()))
    leaf = documents.dumped(
        lambda **options: adapter.dump_python(np.arange(3.0), **options),
        {"array_encoding": encoding},
    )
    assert adapter.validate_python(leaf).tolist() == [0, 1, 2]
    assert adapter.validate_python(leaf.document(leaf.buffer)).tolist() == [0, 1, 2]
