"""Long texts of arrays in JSON, which bypass the parser: nothing else may change."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from pydantic_core import from_json

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.contracts import ReadingLimits
from runtime_core.documents.json_format import JsonDocumentCodec
from runtime_core.documents.json_text_extraction import LongTexts

Make = Callable[..., Runtime]

NUMBERS = np.arange(20_000.0)

SOURCE = """
from typing import Annotated, Any
import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, JsonValue
from runtime_core import Array, Float32, Float64

class Data(BaseModel):
    buffer: str
    encoding: str

class Document(BaseModel):
    shape: list[int]
    dtype: str
    data: Data

class Loose(BaseModel, extra="allow"):
    pass

Before = Annotated[dict[str, Any], BeforeValidator(lambda value: dict(value))]

SEEN = []

class InputSchema(BaseModel):
    x: {annotation}

class OutputSchema(BaseModel):
    kind: str

def apply(inputs):
    SEEN.append(inputs.x)
    return OutputSchema(kind=type(inputs.x).__name__)
"""


def array_document(array: Any = NUMBERS) -> dict[str, Any]:
    """Return the base64 document of an array."""
    data = {"buffer": base64.b64encode(array.tobytes()).decode(), "encoding": "base64"}
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": data}


def applied(runtime: Runtime, text: str) -> Reply:
    """Return the reply of apply to a JSON text."""
    return runtime.invoke(
        Call(
            endpoint="apply",
            run_id="a",
            body=text.encode(),
            body_format="json",
            output=Wire(format="json"),
        )
    )


def seen(runtime: Runtime, x: Any) -> Any:
    """Return the value that `apply` gets for an input."""
    reply = applied(runtime, json.dumps({"inputs": {"x": x}}))
    assert reply.fault is None, reply.fault.message
    return runtime.api.module.SEEN[-1]


@pytest.mark.parametrize(
    ("annotation", "dtype"),
    [
        ("Array[(None,), Float64]", "float64"),
        ("Array[(None,), Float32]", "float32"),
        ("Annotated[Array[(None,), Float64], AfterValidator(lambda x: x + 1)]", "float64"),
        ("Array[..., Float64] | dict[str, Any]", "float64"),
    ],
    ids=["array", "cast", "validator", "union"],
)
def test_arrays_are_as_they_would_be(annotation: str, dtype: str, runtime: Make) -> None:
    """An extracted array is cast and validated as any other, and `apply` owns it."""
    array = seen(runtime(SOURCE.format(annotation=annotation)), array_document())
    assert (array.dtype, array.flags.writeable) == (dtype, True)
    assert np.array_equal(array, NUMBERS + ("lambda" in annotation))


@pytest.mark.parametrize(
    "annotation",
    [
        *("Any", "object", "JsonValue", "dict[str, Any]", "dict[str, JsonValue]", "dict"),
        *("dict[str, Any] | Array[(3,), Float64]", "Document", "Loose", "Before | None"),
        "dict[str, list[int] | str | dict[str, str]]",
        "dict[str, list[int] | str | dict[str, str | int]]",
        "tuple[Any]",
    ],
)
def test_what_is_no_array_is_as_it_came(annotation: str, runtime: Make) -> None:
    """Where a schema takes the document itself, it gets its text and no token."""
    document = array_document()
    value = [document] if annotation == "tuple[Any]" else document
    got = seen(runtime(SOURCE.format(annotation=annotation)), value)
    [got] = got if isinstance(got, tuple) else [got]
    assert (got.model_dump() if isinstance(got, BaseModel) else got) == document


def test_faults_are_those_of_the_document(runtime: Make) -> None:
    """A refused document has the same message as without extracted texts."""
    document = array_document()
    document["data"]["buffer"] = "?" + document["data"]["buffer"][1:]
    reply = applied(
        runtime(SOURCE.format(annotation="Array[(None,), Float64]")),
        json.dumps({"inputs": {"x": document}}),
    )
    assert reply.fault is not None
    assert "buffer (base64 encoding)" in reply.fault.message
    assert "buffer-" not in str(reply.fault.details)


def loads(text: str | bytes, *, views: bool = True) -> Any:
    """Return the tree of a document."""
    body = text.encode() if isinstance(text, str) else text
    return JsonDocumentCodec().loads(memoryview(body), ReadingLimits(items=1000, views=views))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " :\n ")])
def test_white_space_makes_no_difference(separators: tuple[str, str]) -> None:
    """A text is found however the document is written."""
    text = json.dumps(array_document(), separators=separators)
    assert len(LongTexts(text.encode(), views=True).short) < 300
    tree = loads(text)
    assert (tree["shape"], type(tree["data"]["buffer"])) == ([20_000], memoryview)
    assert loads(text, views=False) == array_document()


BEFORE, LONG, AFTER = "A" * 65_535, "A" * 65_536, "A" * 65_537


@pytest.mark.parametrize("text", ["", "A", BEFORE, LONG, AFTER, "A" * 200_000], ids=len)
@pytest.mark.parametrize(
    "form",
    [
        '{"buffer": "%s"}',
        '{"x": {"buffer": "%s", "encoding": "base64"}}',
        '{"shape": [1], "dtype": "int8", "data": {"buffer": "%s", "encoding": "json"}}',
        '{"shape": [1], "dtype": "int8", "data": ["buffer", "%s"]}',
        '{"shape": [1], "data": {"buffer": "%s", "encoding": "base64"}}',
        '{"x\\"buffer": "%s"}',
        '{"a \\"buffer\\": ": "%s"}',
        '{"buffer": "%s\\n"}',
        '{"buffer": "\u00e9%s"}',
        '{"buffer": "%s", "buffer": 1}',
        '[{"buffer": "%s"}, [[1, 2], [3, 4]], "x", {"a": [{"buffer": "b"}]}]',
    ],
)
def test_other_texts_are_as_any_parser_reads_them(form: str, text: str) -> None:
    """A text of any size that is not the base64 of an array is a plain text in its place."""
    document = form % text
    assert loads(document) == json.loads(document)


@pytest.mark.parametrize("size", [3, 65_000, 65_536, 100_000])
@pytest.mark.parametrize(
    ("form", "place"),
    [
        ('{"buffer": "%s"', "at line 1 column"),
        ('{"buffer": "%s', "at line 1 column"),
        ('{"buffer": "%s",\n "b": nul}', "at line 2 column 10"),
        ('{"buffer": "%s\x01"}', "control character"),
        ('{"x": "%s\x01", "buffer": "%s"}', "control character"),
    ],
)
def test_errors_are_those_of_any_text(form: str, place: str, size: int) -> None:
    """An invalid document has the same message and place for texts of any length."""
    document = form.replace("%s", "A" * size).encode()
    with pytest.raises(ValueError, match=place) as caught:
        loads(document)
    with pytest.raises(ValueError, match=place) as expected:
        from_json(document)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("size", [3, 65_536, 100_000])
def test_invalid_utf_8_is_refused(size: int) -> None:
    """A long text that is not UTF-8 is refused as a short one."""
    with pytest.raises(ValueError, match="invalid unicode code point"):
        loads(b'{"buffer": "' + b"A" * size + b'\xff"}')


@pytest.mark.parametrize("characters", [8, 65_528, 65_536, 65_544, 160_000])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "float64", "bool"])
@pytest.mark.parametrize("encoding", ["json", "raw"])
def test_text_never_becomes_numbers(
    characters: int, dtype: str, encoding: str, runtime: Make
) -> None:
    """Where numbers or bytes are expected a text is refused, whatever its size."""
    data = {"buffer": "1" * characters, "encoding": encoding}
    for count in (characters, characters // 8):
        x = {"shape": [count], "dtype": dtype, "data": data}
        annotation = f'Array[(None,), "{dtype}"]'
        reply = applied(
            runtime(SOURCE.format(annotation=annotation)), json.dumps({"inputs": {"x": x}})
        )
        assert reply.fault is not None
        assert reply.fault.details[0]["type"] in ("array_decode_error", "array_non_numeric")


def test_text_is_not_copied(runtime: Make) -> None:
    """Reading a base64 array takes the memory of the array, and little else."""
    array = np.zeros(1_000_000)
    text = json.dumps({"inputs": {"x": array_document(array)}})
    made = runtime(SOURCE.format(annotation="Array[(None,), Float64]"))
    call = Call(
        endpoint="apply",
        run_id="a",
        body=text.encode(),
        body_format="json",
        output=Wire(format="json"),
    )
    made.invoke(call)
    made.api.module.SEEN.clear()
    tracemalloc.start()
    try:
        made.invoke(call)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * array.nbytes
