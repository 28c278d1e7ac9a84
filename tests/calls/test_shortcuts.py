"""Shortcuts for exact arrays and small documents give what the way without them gives."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from runtime_core import Call, Runtime, Wire
from runtime_core.arrays.coercion import Expected
from runtime_core.documents.splices import LARGE
from tests.calls.golden_calls import FORMATS, MODEL, array

SOURCE = MODEL.replace("    values =", "    SEEN.append(inputs)\n    values =", 1) + "\nSEEN = []\n"
"""A model with fields of every kind, which returns its inputs and remembers them."""

_FLOATS = st.floats()
_NUMBERS = st.one_of(_FLOATS, st.integers(-(2**70), 2**70), st.booleans())
_LEAVES = st.one_of(_NUMBERS, st.none(), st.sampled_from(["NaN", "-Infinity", "1+2j", "1.5", "x"]))
_NESTED = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
_ELEMENTS = {
    "f": st.floats(width=32) | st.integers(-9, 9),
    "i": st.integers(-(2**15), 2**15 - 1),
    "u": st.integers(0, 2**64 - 1),
    "b": st.booleans(),
    "c": st.floats(width=32),
}
"""The elements of arrays, by the kind of their data type."""


@st.composite
def arrays(draw: st.DrawFn, dtype: str, *sizes: int | None) -> Any:
    """Draw an array of a data type and shape, as numbers or in the document of an encoding."""
    shape = [draw(st.integers(0, 3)) if size is None else size for size in sizes]
    size = int(np.prod(shape))
    if draw(st.booleans()):
        length = size * np.dtype(dtype).itemsize
        data = draw(st.binary(min_size=length, max_size=length))
        return array(dtype, shape, base64.b64encode(data).decode(), "base64")
    numbers = draw(st.lists(_ELEMENTS[np.dtype(dtype).kind], min_size=size, max_size=size))
    if draw(st.booleans()):
        return array(dtype, shape, numbers, "json")
    return np.array(numbers, object).reshape(shape).tolist()


_DOCUMENTS = st.one_of(
    arrays("float64", None), arrays("float32", 2, None), arrays("int64", 3), arrays("bool", 2)
)


@st.composite
def broken(draw: st.DrawFn) -> Any:
    """Draw a value that hardly any field takes, among them documents that are almost right."""
    document = draw(_DOCUMENTS)
    key = draw(st.sampled_from(["shape", "dtype", "data", "object_type", "more"]))
    return {**document, key: draw(_NESTED)} if isinstance(document, dict) else draw(_NESTED)


_X = arrays("float64", None)
_W = st.fixed_dictionaries({"w": arrays("float32", 2)}, optional={"n": st.integers()})
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "x": _X | arrays("float32", None),
    "m": arrays("float32", 2, None) | arrays("float64", 1, None) | st.none(),
    "i": arrays("int16", 3) | arrays("int64", 1),
    "u": arrays("uint64"),
    "s": arrays("float64") | _ELEMENTS["i"],
    "b": arrays("bool", None),
    "c": arrays("complex128") | _FLOATS,
    "any_shape": arrays("float64", None, None) | arrays("float64"),
    "number": _FLOATS,
    "whole": st.integers(),
    "text": st.sampled_from(["dict", "wrong", "fails", "refused", "\u00e4", ""]),
    "part-alias": _W,
    "parts": st.lists(_W, max_size=2),
    "by_name": st.dictionaries(st.sampled_from("ab"), _X, max_size=2),
    "either": arrays("float64", 2) | st.just({"name": "n"}) | st.integers(),
    "anything": _DOCUMENTS | st.dictionaries(st.text(), _NESTED, max_size=2),
}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a payload in which at most one field is broken."""
    inputs = draw(st.fixed_dictionaries({}, optional=_VALUES))
    if draw(st.booleans()):
        inputs[draw(st.sampled_from(sorted(_VALUES)))] = draw(broken())
    return {"inputs": inputs}


@contextmanager
def long_way() -> Iterator[None]:
    """Take no array for exact inside the `with`, also in the models that are made there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Expected, "holds", lambda self, value: False)
        yield


def seen(value: Any) -> Any:
    """Return a value with the types, data types, flags and bytes of its arrays."""
    if isinstance(value, BaseModel):
        return type(value).__name__, seen(value.__dict__)
    if isinstance(value, dict):
        return {key: seen(item) for key, item in value.items()}
    if isinstance(value, list):
        return [seen(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.flags.writeable, value.tobytes()
    return type(value).__name__, repr(value)


def outcome(runtime: Runtime, body: bytes, body_format: str, output: str) -> Any:
    """Return everything that a call shows: its answer, its fault and the inputs of `apply`."""
    reply = runtime.invoke(
        Call(
            endpoint="apply",
            run_id="both",
            body=body,
            body_format=body_format,
            output=Wire(format=output),
            new_run=True,
        )
    )
    inputs = [seen(each) for each in runtime.api.module.SEEN]
    runtime.api.module.SEEN.clear()
    return b"".join(reply.body), reply.fault, inputs


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, Runtime]:
    """Return two runtimes of one file; the models of the second are made for the long way."""
    path = tmp_path_factory.mktemp("both") / "tesseract_api.py"
    path.write_text(SOURCE, encoding="utf-8")
    first, second = (Runtime.from_file(path, output_path=str(path.parent)) for _ in range(2))
    first.plan("apply")
    with long_way():
        second.plan("apply")
    return first, second


@given(document=documents(), output=st.sampled_from(FORMATS))
def test_documents_in_json(document: Any, output: str, both: tuple[Runtime, Runtime]) -> None:
    """Answer, fault and inputs are those of the same document with blanks before it."""
    body = json.dumps(document).encode()
    found = outcome(both[0], body, "json", output)
    with long_way():
        assert found == outcome(both[1], b" " * LARGE + body, "json", output)


@given(document=documents(), output=st.sampled_from(FORMATS))
def test_documents_in_messagepack(
    document: Any, output: str, both: tuple[Runtime, Runtime]
) -> None:
    """Answer, fault and inputs are those of the long way."""
    body = msgpack.packb(document, default=str)
    found = outcome(both[0], body, "msgpack", output)
    with long_way():
        assert found == outcome(both[1], body, "msgpack", output)
