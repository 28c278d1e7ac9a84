"""Long texts that are lifted out of JSON: nobody but an array may notice."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_core import Call, Reply, Runtime
from runtime_core.lifting import LiftedTexts

Make = Callable[..., Runtime]

NUMBERS = np.arange(20_000.0)

SOURCE = """
from typing import Annotated, Any
import numpy as np
from pydantic import AfterValidator, BaseModel
from runtime_core import Array, Float32, Float64

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
            output_format="json",
        )
    )


def seen(runtime: Runtime, x: Any) -> Any:
    """Return what apply gets for an input."""
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
    """A lifted array is cast and validated as any other, and belongs to apply."""
    array = seen(runtime(SOURCE.format(annotation=annotation)), array_document())
    assert (array.dtype, array.flags.writeable) == (dtype, True)
    assert np.array_equal(array, NUMBERS + ("lambda" in annotation))


@pytest.mark.parametrize(
    "annotation", ["Any", "dict[str, Any]", "dict[str, Any] | Array[(3,), Float64]"]
)
def test_what_is_no_array_is_as_it_came(annotation: str, runtime: Make) -> None:
    """Where a schema takes the document itself, it gets its text and no placeholder."""
    document = array_document()
    assert seen(runtime(SOURCE.format(annotation=annotation)), document) == document


def test_faults_are_those_of_the_document(runtime: Make) -> None:
    """A refused document is told of as if nothing had been lifted."""
    document = array_document()
    document["data"]["buffer"] = "?" + document["data"]["buffer"][1:]
    reply = applied(
        runtime(SOURCE.format(annotation="Array[(None,), Float64]")),
        json.dumps({"inputs": {"x": document}}),
    )
    assert reply.fault is not None
    assert "buffer (base64 encoding)" in reply.fault.message
    assert "buffer-" not in str(reply.fault.details)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " :\n ")])
def test_white_space_makes_no_difference(separators: tuple[str, str]) -> None:
    """A text is found however the document is written."""
    lifted = LiftedTexts()
    short = lifted.lift(json.dumps(array_document(), separators=separators).encode())
    assert len(lifted) == 1
    assert len(short) < 300
    assert json.loads(short)["shape"] == [20_000]


@pytest.mark.parametrize(
    "document",
    [
        '{"buffer": "%s"' % ("A" * 70_000),
        '{"buffer": "%s' % ("A" * 70_000),
        '{"buffer": "%s\\n"}' % ("A" * 70_000),
        '{"a \\"buffer\\": ": "%s"}' % ("A" * 70_000),
        '["buffer", "%s"]' % ("A" * 70_000),
        '{"buffer": "%s"}' % ("A" * 1000),
    ],
    ids=["no end", "no end of text", "escape", "in a text", "no key", "short"],
)
def test_other_texts_stay(document: str) -> None:
    """Nothing is lifted but long plain texts under the key of buffers."""
    lifted = LiftedTexts()
    short = lifted.lift(document.encode())
    if len(lifted) == 0:
        assert short == document.encode()
    else:
        assert document.startswith(short.partition(b"buffer-")[0].decode())
        with pytest.raises(ValueError, match=r"."):
            json.loads(short)


def test_text_is_not_copied(runtime: Make) -> None:
    """Reading a base64 array takes the memory of the array, and little else."""
    array = np.zeros(1_000_000)
    text = json.dumps({"inputs": {"x": array_document(array)}})
    made = runtime(SOURCE.format(annotation="Array[(None,), Float64]"))
    call = Call(
        endpoint="apply", run_id="a", body=text.encode(), body_format="json", output_format="json"
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
