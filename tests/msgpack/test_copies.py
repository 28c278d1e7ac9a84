"""The memory of a large array during a call in msgpack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import pytest

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.testing.memory import traced_peak
from tests.conftest import DOUBLE

SIZE = 1_000_000
NBYTES = 8 * SIZE

RETURN = DOUBLE.replace("2 * inputs.x", "inputs.x")
"""A Tesseract whose output is the memory of its input."""

SOME = 1_500_000  # bytes for everything but arrays; the packer of msgpack 1.0 takes a million


def calls(runtime: Runtime) -> Callable[[], Reply]:
    """Return a call with a large array, after a warm-up call with a small one."""

    def call(body: bytes) -> Reply:
        reply = runtime.invoke(
            Call(
                endpoint="apply",
                run_id="r",
                body=body,
                body_format="msgpack",
                output=Wire(format="msgpack"),
            )
        )
        assert reply.fault is None, reply.fault.message
        return reply

    call(document(np.zeros(3)))
    body = document(np.arange(float(SIZE)))
    return lambda: call(body)


def document(x: np.ndarray[Any, Any]) -> bytes:
    """Return the payload of an array."""
    data = {"buffer": x.tobytes(), "encoding": "raw"}
    leaf = {"shape": x.shape, "dtype": "float64", "data": data}
    packed: bytes = msgpack.packb({"inputs": {"x": leaf}})
    return packed


def test_an_array_that_is_returned_is_copied_once(runtime: Callable[..., Runtime]) -> None:
    """Beyond the payload there is one array, which the document refers to."""
    call = calls(runtime(RETURN))
    assert traced_peak(call) < NBYTES + SOME


def test_a_computed_array_takes_its_own_memory(runtime: Callable[..., Runtime]) -> None:
    """Beyond the payload there are the input and the output, which the document refers to."""
    call = calls(runtime(DOUBLE))
    assert traced_peak(call) < 2 * NBYTES + SOME


def test_the_answer_is_right(runtime: Callable[..., Runtime]) -> None:
    """The measured reply is complete."""
    tree = msgpack.unpackb(b"".join(calls(runtime(DOUBLE))().body))
    assert np.frombuffer(tree["y"]["data"]["buffer"]).tolist()[-1] == 2.0 * (SIZE - 1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_of_msgpack_numpy_take_one_copy_more(
    runtime: Callable[..., Runtime], order: str
) -> None:
    """An array in the other byte order is swapped once."""
    made = runtime(RETURN)
    calls(made)
    data = np.arange(float(SIZE)).astype(f"{order}f8").tobytes()
    array = {"nd": True, "type": f"{order}f8", "kind": b"", "shape": [SIZE], "data": data}
    body = msgpack.packb({"inputs": {"x": array}})
    call = Call(
        endpoint="apply",
        run_id="r",
        body=body,
        body_format="msgpack",
        output=Wire(format="msgpack"),
    )
    assert traced_peak(lambda: made.invoke(call)) < 2 * NBYTES + SOME
