"""Calls of any endpoint that an executor answers, and those of the thread of the call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from runtime_core.contracts import Call, Reply, Wire
from runtime_core.errors import FaultKind
from runtime_core.run_logs import StoredRun
from tests.executors.conftest import Here, Make
from tests.executors.test_submitted_tasks import points_sent

SOURCE = """
import os
from pathlib import Path
from pydantic import BaseModel
from runtime_core import Array, Float64
from runtime_core.run_logs import log_metric, run_directory

class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    n: int = 1
    talks: bool = False

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    if inputs.n < 0:
        raise ValueError("no mesh")
    if inputs.talks:
        os.write(1, b"computing\\n")  # where the tests do not capture it
        log_metric("n", inputs.n)
        Path(run_directory(), "mesh").write_text("nodes")
    return OutputSchema(y=inputs.n * inputs.x)
"""

BODY = json.dumps({"inputs": {"x": [1.0, 2.0]}}).encode()


def call_of(run_id: str = "1", body: bytes = BODY, endpoint: str = "apply", **fields: Any) -> Call:
    """Return a call with its result in JSON."""
    fields = {"body_format": "json", "output": Wire(format="json"), "kept": False, **fields}
    return Call(endpoint=endpoint, run_id=run_id, body=body, **fields)


def replies(runtime: Runtime, *calls: Call) -> list[Reply]:
    """Return the replies to calls that are all submitted first."""
    with runtime.set_up(), runtime.calls() as submitted:
        pending = [submitted.submit(call) for call in calls]
        return [future.result() for future in pending]


def document(reply: Reply) -> Any:
    """Return the result of a reply without a fault."""
    assert reply.fault is None
    return json.loads(b"".join(reply.body))


@pytest.fixture(params=["serial", "here"])
def runtime(request: Any, made: Make) -> Runtime:
    """Return a Tesseract without gradients, with an executor and without one."""
    return made(Here(), SOURCE, executor=request.param)


def test_any_endpoint_is_answered(runtime: Runtime) -> None:
    """A reply has its document in the wanted form, under the id of its call."""
    base64 = Wire(format="json", array_encoding="base64")
    applied, encoded, schema, absent = replies(
        runtime,
        call_of("1"),
        call_of("2", output=base64),
        call_of("3", endpoint="input_schema", body=b""),
        call_of("4", endpoint="jacobian"),
    )
    assert document(applied)["y"]["data"]["buffer"] == [1.0, 2.0]
    assert document(encoded)["y"]["data"]["encoding"] == "base64"
    assert document(schema)["properties"].keys() == {"inputs"}
    assert absent.fault is not None
    assert absent.fault.kind is FaultKind.UNKNOWN_NAME
    assert [each.run_id for each in (applied, encoded, schema, absent)] == ["1", "2", "3", "4"]


def test_a_failure_is_the_fault_of_its_reply(runtime: Runtime) -> None:
    """It has the kind, the message and the details that a call here has, and others go on."""
    failing = b'{"inputs": {"x": [1], "n": -1}}'
    refused, raised, fine = replies(
        runtime, call_of("1", b'{"inputs": {}}'), call_of("2", failing), call_of("3")
    )
    assert refused.fault is not None
    assert refused.fault.kind is FaultKind.INVALID_PAYLOAD
    assert refused.fault.details[0]["loc"] == ["inputs", "x"]
    assert raised.fault is not None
    assert raised.fault.message.startswith("ValueError: no mesh (")
    assert "in apply" in raised.fault.trace
    assert document(fine)["y"]["shape"] == [2]


def test_calls_may_differ_from_one_body(runtime: Runtime) -> None:
    """Changes replace values, defaults too, and are validated with the rest."""
    two, swapped, invalid, absent = replies(
        runtime,
        call_of("1", changes={"inputs.n": 2}),
        call_of("2", changes={"inputs.x.[0]": 5.0, "inputs.n": 3}),
        call_of("3", changes={"inputs.n": "many"}),
        call_of("4", changes={"inputs.deep.n": 3}),
    )
    assert document(two)["y"]["data"]["buffer"] == [2.0, 4.0]
    assert document(swapped)["y"]["data"]["buffer"] == [15.0, 6.0]
    for reply, text in ((invalid, "inputs.n: "), (absent, "There is nothing at 'inputs.deep'")):
        assert reply.fault is not None
        assert reply.fault.kind is FaultKind.INVALID_PAYLOAD
        assert text in reply.fault.message


def test_a_shared_body_is_sent_once_to_each_process(made: Make) -> None:
    """Calls without changes carry their own."""
    here = Here()
    changed = [call_of(str(n), changes={"inputs.n": n}) for n in range(4)]
    found = replies(made(here, SOURCE), *changed, call_of("own"))
    assert [document(each)["y"]["data"]["buffer"][0] for each in found] == [0, 1, 2, 3, 1]
    assert points_sent(here) == [True, True, False, False, False]


def test_a_run_that_is_kept_is_logged_in_its_folder(runtime: Runtime, tmp_path: Path) -> None:
    """Its output, records and files are there, and a silent one leaves nothing but its sinks'."""
    talking = b'{"inputs": {"x": [1], "talks": true}}'
    replies(runtime, call_of("loud", talking, kept=True), call_of("still", kept=True))
    log = tmp_path / "run_loud" / "logs"
    assert (log / "tesseract.log").read_text() == "computing\n"
    assert StoredRun(log).status == "FINISHED"
    assert "n,1" in (log / "metrics.csv").read_text()
    assert (tmp_path / "run_loud" / "mesh").read_text() == "nodes"
    assert not (tmp_path / "run_still" / "logs" / "tesseract.log").exists()


def test_a_run_of_the_same_id_is_replaced(runtime: Runtime, tmp_path: Path) -> None:
    """Nothing is left of the earlier one."""
    earlier = tmp_path / "run_1" / "old"
    earlier.parent.mkdir()
    earlier.touch()
    replies(runtime, call_of(kept=True))
    assert not earlier.exists()


def test_nothing_is_left_of_a_run_that_is_not_kept(runtime: Runtime, tmp_path: Path) -> None:
    """Neither its files nor its records."""
    [reply] = replies(runtime, call_of("gone", b'{"inputs": {"x": [1], "talks": true}}'))
    assert reply.fault is None
    assert not [path for path in tmp_path.rglob("*") if path.name in ("mesh", "metrics.csv")]


def test_the_second_loss_is_the_fault_of_its_call(made: Make) -> None:
    """Calls before and after it are answered."""
    before, lost, after = replies(made(Here(loses=(2, 4)), SOURCE), *map(call_of, "123"))
    assert lost.fault is not None
    assert lost.fault.kind is FaultKind.WORKER_DIED
    assert lost.fault.message.startswith("2 processes of here (acme-here 1.0) have ended ")
    np.testing.assert_equal(document(before), document(after))
