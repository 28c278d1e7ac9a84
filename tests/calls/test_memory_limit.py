"""Arrays of payloads and results within the memory limit."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import lz4.frame
import msgpack
import numpy as np
import pytest

from runtime_core import Call, Fault, Runtime, Wire
from runtime_core.contracts import Reply
from runtime_core.errors import FaultKind, MemoryExceeded
from runtime_core.testing.memory import traced_peak

Make = Callable[..., Runtime]

LIMIT = 10**6

SOURCE = """
from typing import Any
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Float64

class Large(BaseModel):
    x: Array[(None,), Float64]
    large: bool

class Small(BaseModel):
    x: Array[(None,), Float64]
    small: bool

class InputSchema(BaseModel):
    x: Array[(None,), Float64] = [1.0]
    many: list[Array[(100, 100), Float64]] = []
    either: list[Small | Large] = []
    anything: Any = None
    length: int = 0
    own: bool = False

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    for _ in range(30 if inputs.own else 0):
        InputSchema(many=[[[1]]])
    return OutputSchema(y=np.zeros(inputs.length))
"""


def limited(runtime: Make, **options: Any) -> Runtime:
    """Return a runtime with a small memory limit, and room for the items of every test."""
    return runtime(SOURCE, memory_limit=LIMIT, max_json_items=10**6, **options)


def invoke(runtime: Runtime, body: bytes, **wire: Any) -> Reply:
    """Return the reply to a payload in JSON, or in MessagePack where it is not JSON."""
    return runtime.invoke(
        Call(
            endpoint="apply",
            run_id="bounded",
            body=body,
            body_format="json" if body.startswith(b"{") else "msgpack",
            output=Wire(**{"format": "json", **wire}),
        )
    )


def refusal(runtime: Runtime, **inputs: Any) -> Fault:
    """Return the fault of inputs, which take no more memory than the limit."""
    body = json.dumps({"inputs": inputs}).encode()
    faults: list[Fault | None] = []
    assert traced_peak(lambda: faults.append(invoke(runtime, body).fault)) < 3 * LIMIT
    [fault] = faults
    assert fault is not None
    assert fault.kind.status == 413
    assert fault.kind.exit_code == 2
    return fault


def document(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return the compressed document of an array."""
    packed = base64.b64encode(lz4.frame.compress(array.tobytes())).decode()
    data = {"buffer": packed, "encoding": "base64", "compression": "lz4"}
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": data}


def test_cast_is_refused_before_it_takes_memory(runtime: Make) -> None:
    """A small body of compressed integers would become large in the data type of its field."""
    x = document(np.zeros(500_000, np.int8))
    assert refusal(limited(runtime), x=x).message == (
        "inputs.x: An array of shape (500000,) takes 4000000 bytes, and 1000000 are left of the "
        "1000000 bytes that --memory-limit allows for the arrays of one document. Divide it into "
        "several calls, or raise the limit."
    )


@pytest.mark.parametrize("number", [[[1]], document(np.ones((1, 1)))], ids=["list", "document"])
def test_broadcast_is_refused_before_it_takes_memory(runtime: Make, number: Any) -> None:
    """Numbers that are broadcast count with the size of their fields, all together."""
    made = limited(runtime)
    assert refusal(made, many=[number] * 100).message.startswith("inputs.many.12: ")
    assert invoke(made, json.dumps({"inputs": {"many": [number] * 12}}).encode()).fault is None


def test_arrays_without_a_field_count(runtime: Make) -> None:
    """Arrays in places without a type count like others."""
    arrays = [{"object_type": "array", **document(np.zeros(50_000))} for _ in range(3)]
    message = refusal(limited(runtime), anything=arrays).message
    assert message.startswith("inputs.anything.2: ")


def test_other_faults_are_reported_as_such(runtime: Make) -> None:
    """A payload that is validated again for its faults counts once."""
    inputs = {"many": [[[1]]] * 12, "length": "long"}
    reply = invoke(limited(runtime), json.dumps({"inputs": inputs}).encode())
    assert reply.fault is not None
    assert reply.fault.message.startswith("inputs.length: ")


def test_large_array_among_other_faults_is_one_of_them(runtime: Make) -> None:
    """The sender of an invalid payload learns all its faults at once."""
    inputs = {"x": document(np.zeros(500_000, np.int8)), "length": "long"}
    reply = invoke(limited(runtime), json.dumps({"inputs": inputs}).encode())
    assert reply.fault is not None
    assert reply.fault.kind.status == 422
    assert [detail["loc"][-1] for detail in reply.fault.details] == ["x", "length"]


def test_members_of_a_union_count_once(runtime: Make) -> None:
    """An array that both members of a union read is one array."""
    either = [{"x": document(np.zeros(20_000)), "large": True}] * 6
    body = json.dumps({"inputs": {"either": either}}).encode()
    assert invoke(limited(runtime), body).fault is None


def test_a_call_in_python_has_the_same_limit(runtime: Make) -> None:
    """`Runtime.call` refuses what would take too much memory."""
    made = limited(runtime)
    with pytest.raises(MemoryExceeded, match=r"^inputs.many.12: An array of shape \(100, 100\)"):
        made.call("apply", {"inputs": {"many": [np.ones((1, 1)) for _ in range(13)]}})
    own = np.zeros((100, 100))
    made.call("apply", {"inputs": {"many": [own] * 100}})  # it takes no memory


def test_models_that_an_author_makes_have_no_limit(runtime: Make) -> None:
    """The author's own code may broadcast as much as it likes."""
    limited(runtime).call("apply", {"inputs": {"own": True}})


@pytest.mark.parametrize(
    ("wire", "length"),
    [
        ({"format": "json"}, 20_000),
        ({"format": "json", "array_encoding": "base64"}, 125_000),
        ({"format": "msgpack"}, 125_000),
    ],
    ids=str,
)
def test_results_are_limited(runtime: Make, wire: dict[str, Any], length: int) -> None:
    """A result is refused before it is written, where numbers in JSON take more than others."""
    made = limited(runtime)
    for excess, expected in ((0, None), (1, FaultKind.NOT_WRITTEN)):
        body = json.dumps({"inputs": {"length": length + excess}}).encode()
        fault = invoke(made, body, **wire).fault
        assert (fault and fault.kind) == expected
    assert fault is not None
    assert fault.message.startswith(f"An array of shape ({length + 1},) takes ")


def test_arrays_in_files_are_not_limited(runtime: Make, tmp_path: Any) -> None:
    """Arrays that a result leaves in files take no memory for its document."""
    made = limited(runtime, output_path=str(tmp_path))
    call = Call(
        endpoint="apply",
        run_id="files",
        body=b'{"inputs": {"length": 200000}}',
        body_format="json",
        output=Wire(format="json+binref"),
        output_path=str(tmp_path),
    )
    assert made.invoke(call).fault is None


@pytest.mark.parametrize(
    ("item", "items"), [({}, 2), ([], 2), ({"a": 1}, 4), ([1], 3), (1, 1), ("text", 1)], ids=str
)
def test_items_of_msgpack_count_for_their_memory(runtime: Make, item: Any, items: int) -> None:
    """A list or map is an item besides those in it, and a key takes as much as a value."""
    made = runtime(SOURCE, max_json_items=1000)
    for count, accepted in ((950 // items, True), (1001 // items + 1, False)):
        body = msgpack.packb({"inputs": {"anything": [item] * count}})
        assert (invoke(made, body).fault is None) is accepted
