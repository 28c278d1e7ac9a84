"""The one way through a call: `Runtime.call` in Python, `Runtime.invoke` in bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Call, Fault, Reply, Runtime, Wire
from runtime_core.errors import FaultKind, InvalidOption, InvalidPayload, InvalidResult, UnknownName

Make = Callable[..., Runtime]

HEADER = """
from typing import Any
import numpy as np
from pydantic import BaseModel, JsonValue, field_validator
from runtime_core import Array, Float32, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64] = [1.0]

class OutputSchema(BaseModel):
    y: Array[(None,), Float32]
    n: int = 3

"""
"""The beginning of Tesseracts that differ in `apply`."""


def invoke(runtime: Runtime, payload: Any, **options: Any) -> Reply:
    """Return the reply to a call of `apply` in JSON."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    call = {
        "endpoint": "apply",
        "run_id": "fit-7",
        "body_format": "json",
        "output": Wire(format="json"),
        **options,
    }
    return runtime.invoke(Call(body=body, **call))


def fault(runtime: Runtime, payload: Any, **options: Any) -> Fault:
    """Return the fault of a call that must fail."""
    reply = invoke(runtime, payload, **options)
    assert reply.fault is not None
    assert list(reply.body) == []
    return reply.fault


def test_file_is_opened_in_one_line(tesseract: Callable[..., Path], tmp_path: Path) -> None:
    """`from_file` takes a path and the options of the command line, whose paths may be `Path`s."""
    opened = Runtime.from_file(tesseract(), name="Doubler", output_path=tmp_path / "out")
    assert opened.config.output_path == str(tmp_path / "out")
    result: Any = opened.call("apply", {"inputs": {"x": [1.0, 2.0]}})
    np.testing.assert_array_equal(result.root.y, [2.0, 4.0])
    assert opened.config.name == "Doubler"
    with pytest.raises(InvalidOption, match="Did you mean 'name'"):
        Runtime.from_file(tesseract(), nam="Doubler")


def test_a_call_in_python_gives_a_model(runtime: Make) -> None:
    """Arrays go in and come out as numpy."""
    result: Any = runtime().call("apply", {"inputs": {"x": np.array([1.0, 2.0])}})
    np.testing.assert_array_equal(result.root.y, [2.0, 4.0])


@pytest.mark.parametrize(
    ("annotation", "value", "number"),
    [
        ("int", np.array(5), 5),
        ("int", np.int64(5), 5),
        ("float", np.array(2.5), 2.5),
        ("float", np.float32(2.5), 2.5),
        ("bool", np.bool_(True), True),
        ("Array[(None,), Float64]", range(3), [0.0, 1.0, 2.0]),
        ("Array[(None,), Float64]", memoryview(b"\0\1\2"), [0.0, 1.0, 2.0]),
        ("Array[(None,), Float64]", np.array([0.5], np.longdouble), [0.5]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_call_in_python_takes_numbers_of_numpy(
    annotation: str, value: Any, number: Any, runtime: Make
) -> None:
    """A field has a number or an array of its own type, whatever holds it in Python."""
    fields = HEADER.replace("x: Array[(None,), Float64] = [1.0]", f"x: {annotation}")
    made = runtime(
        fields + "def apply(inputs):\n    SEEN.append(inputs.x)\n    return {'y': [1]}\nSEEN = []\n"
    )
    made.call("apply", {"inputs": {"x": value}})
    [seen] = made.api.module.SEEN
    found = seen.tolist() if isinstance(seen, np.ndarray) else seen
    assert (found, type(found)) == (number, type(number))


def test_a_call_takes_a_payload_model(runtime: Make) -> None:
    """A payload model is accepted unchanged."""
    made = runtime()
    payload_model = made.bound("apply").payload
    assert payload_model is not None
    payload = payload_model.model_validate({"inputs": {"x": [1]}})
    assert made.call("apply", payload).model_dump()["y"].tolist() == [2]


def test_a_call_refuses_a_payload(runtime: Make) -> None:
    """What does not fit is an `InvalidPayload` with every fault."""
    with pytest.raises(InvalidPayload) as caught:
        runtime().call("apply", {"inputs": {"x": [[1]], "z": 1}})
    assert str(caught.value) == (
        "inputs.x: Array has wrong number of dimensions: got 2D, expected 1D\n"
        "inputs.z: Extra inputs are not permitted"
    )


def test_a_call_raises_what_the_author_raises(runtime: Make) -> None:
    """In Python an author's exception is itself, with the author's frame last."""
    source = HEADER + "def apply(inputs):\n    raise LookupError('no data')\n"
    with pytest.raises(LookupError, match="no data") as caught:
        runtime(source).call("apply", {"inputs": {}})
    assert caught.traceback[-1].name == "apply"


def test_an_endpoint_without_payload_is_called_without(runtime: Make) -> None:
    """Health asks for nothing."""
    assert runtime().call("health").model_dump() == {"status": "ok"}


def test_an_unknown_endpoint_is_refused(runtime: Make) -> None:
    """A misspelled endpoint gets a suggestion."""
    with pytest.raises(UnknownName, match=r"Unknown endpoint 'aply'. Did you mean 'apply'\?"):
        runtime().call("aply", {})


def test_an_answer_is_bytes(runtime: Make) -> None:
    """A call in JSON is answered with the document of the outputs."""
    reply = invoke(runtime(), {"inputs": {"x": [1, 2.5]}})
    assert b"".join(reply.body) == (
        b'{"y":{"object_type":"array","shape":[2],"dtype":"float64",'
        b'"data":{"buffer":[2.0,5.0],"encoding":"json"}}}'
    )


def test_a_reply_names_its_run_and_format(runtime: Make) -> None:
    """Run and format of the call are those of the reply."""
    reply = invoke(runtime(), {"inputs": {"x": [1]}}, output=Wire(format="json+base64"))
    assert (reply.run_id, reply.format, reply.fault) == ("fit-7", "json+base64", None)


def test_a_reply_has_the_seconds_of_each_stage(runtime: Make) -> None:
    """Decoding, computing and encoding are timed apart."""
    source = (
        HEADER
        + "def apply(inputs):\n    import time\n    time.sleep(0.02)\n    return {'y': [1]}\n"
    )
    timings = invoke(runtime(source), {"inputs": {}}).timings
    assert list(timings) == ["decode", "compute", "encode"]
    assert timings["compute"] >= 0.02
    assert all(0 <= seconds < 5 for seconds in timings.values())


def test_a_failed_call_has_the_seconds_of_its_stages(runtime: Make) -> None:
    """A call that fails in computing was decoded and computed, and not encoded."""
    source = HEADER + "def apply(inputs):\n    raise ValueError\n"
    assert list(invoke(runtime(source), {"inputs": {}}).timings) == ["decode", "compute"]


def test_a_large_answer_in_base64_is_spliced(runtime: Make) -> None:
    """The bytes of an array are a piece of the answer of their own."""
    values = np.arange(10_000.0)
    reply = invoke(runtime(), {"inputs": {"x": values.tolist()}}, output=Wire(format="json+base64"))
    assert len(reply.body) == 3
    data = json.loads(b"".join(reply.body))["y"]["data"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(data["buffer"])), 2 * values)


@pytest.mark.parametrize("output_format", ["json", "json+base64"])
def test_text_that_looks_like_a_placeholder_stays_text(output_format: str, runtime: Make) -> None:
    """A text of the author's is never taken for an array."""
    source = HEADER + (
        "class OutputSchema(BaseModel):\n    y: Array[(None,), Float32]\n    text: str\n"
        "def apply(inputs):\n    return {'y': [1], 'text': 'buffer-' + 32 * '0' + '-0'}\n"
    )
    reply = invoke(runtime(source), {"inputs": {}}, output=Wire(format=output_format))
    assert json.loads(b"".join(reply.body))["text"] == "buffer-" + 32 * "0" + "-0"


@pytest.mark.parametrize(
    "returned", ["{'y': [1, 2]}", "OutputSchema(y=[1, 2])", "{'y': np.array([1, 2]), 'n': 3}"]
)
def test_apply_may_return_a_model_or_a_dict(returned: str, runtime: Make) -> None:
    """Both forms are answered alike, with fields left at their defaults."""
    reply = invoke(runtime(HEADER + f"def apply(inputs):\n    return {returned}\n"), {"inputs": {}})
    answer = json.loads(b"".join(reply.body))
    assert list(answer) == ["y", "n"]
    assert answer["y"]["dtype"] == "float32"
    assert answer["n"] == 3


def test_default_arrays_of_an_output_model_are_cast(runtime: Make) -> None:
    """A default of the outputs is written in the declared type, as one of the inputs is read."""
    source = HEADER + (
        "class OutputSchema(BaseModel):\n    y: Array[(None,), Float32] = [1, 2]\n"
        "def apply(inputs):\n    return OutputSchema()\n"
    )
    answer = json.loads(b"".join(invoke(runtime(source), {"inputs": {}}).body))
    assert answer["y"]["dtype"] == "float32"
    assert answer["y"]["data"]["buffer"] == [1.0, 2.0]


def test_an_output_model_that_was_changed_is_checked(runtime: Make) -> None:
    """A field that was set after validation is validated before it is written."""
    source = HEADER + (
        "def apply(inputs):\n    out = OutputSchema(y=[1])\n    out.y = np.zeros((2, 2))\n"
        "    return out\n"
    )
    assert "got 2D, expected 1D" in fault(runtime(source), {"inputs": {}}).message


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (
            "None",
            "The Tesseract returned None, which is not a valid OutputSchema. "
            "Return OutputSchema(...), or a dict with the keys y, n.",
        ),
        (
            "np.ones((2, 3))",
            "The Tesseract returned array of shape (2, 3) and dtype float64, which is not a valid "
            "OutputSchema. Return OutputSchema(...), or a dict with the keys y, n.",
        ),
        (
            "np.ones(2), 3",
            "The Tesseract returned list of 2 items, which is not a valid OutputSchema. "
            "Return OutputSchema(...), or a dict with the keys y, n.",
        ),
        (
            "inputs",
            "The Tesseract returned InputSchema object, which is not a valid OutputSchema. "
            "Return OutputSchema(...), or a dict with the keys y, n.",
        ),
        (
            "InputSchema()",
            "The Tesseract returned InputSchema object, which is not a valid OutputSchema. "
            "Return OutputSchema(...), or a dict with the keys y, n.",
        ),
        (
            "{}",
            "The Tesseract returned empty object, which is not a valid OutputSchema:\n"
            "y: Field required",
        ),
        (
            "{'y': [[1]], 'n': 'a', 'z': 1}",
            "The Tesseract returned object with keys 'y', 'n', 'z', which is not a valid "
            "OutputSchema:\n"
            "y: Array has wrong number of dimensions: got 2D, expected 1D\n"
            "n: Input should be a valid integer, unable to parse string as an integer\n"
            "z: Extra inputs are not permitted",
        ),
    ],
)
def test_a_wrong_result_is_the_authors_fault(returned: str, text: str, runtime: Make) -> None:
    """The error has the value and all of its faults."""
    made = runtime(HEADER + f"def apply(inputs):\n    return {returned}\n")
    with pytest.raises(InvalidResult) as caught:
        made.call("apply", {"inputs": {}})
    assert str(caught.value).startswith(text)
    assert "payload" not in str(caught.value)
    wrong = fault(made, {"inputs": {}})
    assert (wrong.kind, wrong.kind.status) == (FaultKind.TESSERACT_FAILED, 500)
    assert wrong.message.startswith(text)


def test_bytes_that_are_not_text_are_the_authors_fault(runtime: Make) -> None:
    """JSON has no bytes: the message says how to declare them."""
    source = (
        "from pydantic import BaseModel\nclass InputSchema(BaseModel): pass\n"
        "class OutputSchema(BaseModel):\n    raw: bytes\n"
        "def apply(inputs):\n    return OutputSchema(raw=b'\\xff')\n"
    )
    message = fault(runtime(source), {"inputs": {}}).message
    assert message.startswith("The result cannot be written: 'utf-8' codec can't decode byte 0xff")
    assert "Declare such bytes as pydantic.Base64Bytes" in message


def test_an_exception_of_the_author_is_a_fault(runtime: Make) -> None:
    """Type, text and place are the message; the frames are the author's and no other."""
    source = HEADER + "def solve():\n    return 1 / 0\n\ndef apply(inputs):\n    return solve()\n"
    made = runtime(source)
    failed = fault(made, {"inputs": {}})
    assert failed.kind is FaultKind.TESSERACT_FAILED
    line = 1 + len(HEADER.splitlines())
    assert failed.message == (
        f"ZeroDivisionError: division by zero ({made.api.path}:{line + 1} in solve)"
    )
    lines = failed.trace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    frames = [line for line in lines if line.startswith("  File ")]
    assert [frame.rsplit(" in ")[1] for frame in frames] == ["apply", "solve"]
    assert "runtime_core" not in failed.trace


@pytest.mark.parametrize(
    "statement",
    [
        "import sys; sys.exit('no licence')",
        "raise SystemExit('no licence')",
        "exit('no licence')",
    ],
)
def test_an_exit_of_the_author_is_a_fault(statement: str, runtime: Make) -> None:
    """`sys.exit` in `apply` ends the call and nothing else."""
    failed = fault(runtime(HEADER + f"def apply(inputs):\n    {statement}\n"), {"inputs": {}})
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith("SystemExit: no licence (")


@pytest.mark.parametrize(
    "raised",
    ["SystemExit(3)", "RuntimeError('boom')", "KeyError('k')", "asyncio.CancelledError()"],
)
@pytest.mark.parametrize("place", ["validator", "apply"])
def test_whatever_the_author_raises_is_a_fault(raised: str, place: str, runtime: Make) -> None:
    """`invoke` raises nothing, wherever the author's code fails."""
    in_validator = f"raise {raised}" if place == "validator" else "return value"
    in_apply = f"raise {raised}" if place == "apply" else "return {'y': [1]}"
    source = f"""
import asyncio
{HEADER}
class InputSchema(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def check(cls, value):
        {in_validator}

def apply(inputs):
    {in_apply}
"""
    failed = fault(runtime(source), {"inputs": {"x": 1}})
    assert failed.kind is FaultKind.TESSERACT_FAILED
    assert failed.message.startswith(raised.partition("(")[0].rpartition(".")[2])


def test_a_trace_of_a_validator_shows_the_author_only(runtime: Make) -> None:
    """Frames of pydantic between the runtime and the author are removed."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    x: int\n    @field_validator('x')\n    @classmethod\n"
        "    def check(cls, value):\n        raise RuntimeError('boom')\n"
        "def apply(inputs):\n    return {'y': [1]}\n"
    )
    failed = fault(runtime(source), {"inputs": {"x": 1}})
    frames = [line for line in failed.trace.splitlines() if line.startswith("  File ")]
    assert [frame.rsplit(" in ")[1] for frame in frames] == ["check"]


def test_an_error_that_an_author_borrows_is_the_authors(runtime: Make) -> None:
    """An exception class of the runtime, raised by an author, does not become a 404."""
    source = HEADER + (
        "from runtime_core.errors import UnknownName\n"
        "def apply(inputs):\n    raise UnknownName('mine')\n"
    )
    failed = fault(runtime(source), {"inputs": {}})
    assert failed.kind is FaultKind.TESSERACT_FAILED


@pytest.mark.parametrize(
    ("payload", "places"),
    [
        ({}, [["inputs"]]),
        ({"inputs": {"x": [1]}, "more": 1}, [["more"]]),
        ({"inputs": {"x": [[1]], "z": 2}, "more": 1}, [["inputs", "x"], ["inputs", "z"], ["more"]]),
        ([], [[]]),
        ({"inputs": None}, [["inputs"]]),
    ],
    ids=str,
)
def test_all_faults_of_a_payload_are_reported(
    payload: Any, places: list[list[str]], runtime: Make
) -> None:
    """A refused payload is a fault with each mistake at its place."""
    refused = fault(runtime(), payload)
    assert (refused.kind, refused.kind.status) == (FaultKind.INVALID_PAYLOAD, 422)
    assert [detail["loc"] for detail in refused.details] == places


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_in_a_refused_payload_is_plain_data(value: float, runtime: Make) -> None:
    """A fault can be written as JSON, whatever the payload."""
    refused = fault(runtime(), {"inputs": {"x": {"a": value}, "n": value}})
    json.dumps([dict(detail) for detail in refused.details], allow_nan=False)


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "-1e400"])
def test_a_number_beyond_all_floats_is_no_failure(number: str, runtime: Make) -> None:
    """An integer of 400 digits is the sender's mistake, and 1e400 is infinite."""
    reply = invoke(runtime(), f'{{"inputs":{{"x":[{number}]}}}}'.encode())
    assert reply.fault is None or reply.fault.kind is FaultKind.INVALID_PAYLOAD


@pytest.mark.parametrize("body", [b"", b"{", b'{"inputs":'])
def test_what_is_no_json_is_a_fault(body: bytes, runtime: Make) -> None:
    """Bytes that do not follow the format are not a payload."""
    refused = fault(runtime(), body)
    assert (refused.kind, refused.kind.status) == (FaultKind.UNREADABLE_DOCUMENT, 422)
    assert refused.message.startswith("The payload is not valid json: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoint": "aply"}, "Unknown endpoint 'aply'. Did you mean 'apply'?"),
        ({"output": Wire(format="jsn")}, "Unknown format 'jsn'. Did you mean 'json'?"),
        ({"body_format": "jsn"}, "Unknown format 'jsn'. Did you mean 'json'?"),
        ({"output": Wire(format="json", compression="qx7")}, "Unknown compression 'qx7'."),
    ],
)
def test_names_that_nothing_has_are_faults(
    options: dict[str, str], message: str, runtime: Make
) -> None:
    """Unknown endpoints, formats and compressions are reported as unknown."""
    refused = fault(runtime(), {"inputs": {"x": [1]}}, **options)
    assert refused.kind is FaultKind.UNKNOWN_NAME
    assert refused.message.startswith(message)


def test_an_unknown_compression_is_found_before_computing(runtime: Make, tmp_path: Path) -> None:
    """Nothing is computed for an answer that could not be written."""
    mark = tmp_path / "mark"
    source = HEADER + f"def apply(inputs):\n    open({str(mark)!r}, 'w').close()\n"
    fault(runtime(source), {"inputs": {}}, output=Wire(format="json", compression="qx7"))
    assert not mark.exists()


def test_a_file_that_cannot_be_imported_is_a_fault(runtime: Make) -> None:
    """The message has the author's frames, and the next call has the same message."""
    made = runtime("def load():\n    return 1 / 0\n\nload()\n")
    first = fault(made, {"inputs": {}})
    assert first.kind is FaultKind.LOAD_FAILED
    assert first.message.startswith(
        "tesseract_api.py cannot be imported: ZeroDivisionError: division by zero\n"
    )
    assert fault(made, {"inputs": {}}).kind is FaultKind.LOAD_FAILED


def test_health_needs_no_file(runtime: Make) -> None:
    """A Tesseract that does not load is there all the same."""
    reply = invoke(runtime("1 / 0\n"), b"", endpoint="health")
    assert b"".join(reply.body) == b'{"status":"ok"}'


@pytest.mark.parametrize(
    ("annotation", "value", "written"),
    [
        ("float", "float('nan')", "NaN"),
        ("float", "-float('inf')", "-Infinity"),
        ("float | None", "float('inf')", "Infinity"),
        ("float | str", "float('nan')", "NaN"),
        ("list[float]", "[float('nan')]", ["NaN"]),
        ("dict[str, float]", "{'k': float('inf')}", {"k": "Infinity"}),
        ("JsonValue", "[float('nan')]", ["NaN"]),
    ],
)
def test_plain_floats_that_json_lacks_are_words(
    annotation: str, value: str, written: Any, runtime: Make
) -> None:
    """NaN and infinities of plain fields are the same strings as in arrays."""
    source = HEADER + (
        f"class OutputSchema(BaseModel):\n    v: {annotation}\n"
        f"def apply(inputs):\n    return {{'v': {value}}}\n"
    )
    reply = invoke(runtime(source), {"inputs": {}})
    assert json.loads(b"".join(reply.body), parse_constant=pytest.fail) == {"v": written}


@pytest.mark.parametrize("text", ['"NaN"', "NaN", '"Infinity"', "-Infinity", '"-Infinity"'])
def test_plain_floats_that_json_lacks_are_read(text: str, runtime: Make) -> None:
    """The strings and the bare tokens are read in plain fields too."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    v: float\n"
        "class OutputSchema(BaseModel):\n    v: str\n"
        "def apply(inputs):\n    return {'v': repr(inputs.v)}\n"
    )
    reply = invoke(runtime(source), f'{{"inputs":{{"v":{text}}}}}'.encode())
    word = text.strip('"').lower().replace("inity", "")
    assert json.loads(b"".join(reply.body)) == {"v": word}


@pytest.mark.parametrize(
    "form",
    [
        '{"shape":[2],"dtype":"float64","data":{"buffer":[1.0,2.0],"encoding":"json"}}',
        '{"shape":[2],"dtype":"float64","data":{"buffer":"AAAAAAAA8D8AAAAAAAAAQA==","encoding":"base64"}}',
        "[1.0,2.0]",
        "[1,2]",
    ],
)
@pytest.mark.parametrize("size", ["None", "2"])
def test_apply_may_write_to_its_inputs(form: str, size: str, runtime: Make) -> None:
    """Inputs are writable arrays that the author owns, whatever the document."""
    source = HEADER + (
        f"class InputSchema(BaseModel):\n    x: Array[({size},), Float64]\n"
        "def apply(inputs):\n    inputs.x += 1\n    return {'y': inputs.x}\n"
    )
    made = runtime(source)
    body = f'{{"inputs":{{"x":{form}}}}}'.encode()
    first, second = (json.loads(b"".join(invoke(made, body).body)) for _ in range(2))
    assert first["y"]["data"]["buffer"] == second["y"]["data"]["buffer"] == [2.0, 3.0]


def test_a_default_of_the_inputs_is_fresh_in_each_call(runtime: Make) -> None:
    """An author who writes to a default changes nothing for the next call."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    x: Array[(None,), Float64] = np.zeros(1)\n"
        "def apply(inputs):\n    inputs.x += 1\n    return {'y': inputs.x}\n"
    )
    made = runtime(source)
    answers = [json.loads(b"".join(invoke(made, {"inputs": {}}).body)) for _ in range(2)]
    assert [answer["y"]["data"]["buffer"] for answer in answers] == [[1.0], [1.0]]


def test_aliases_are_those_of_documents(runtime: Make) -> None:
    """Payloads and answers name fields by their aliases."""
    source = HEADER + (
        "from pydantic import Field\n"
        "class InputSchema(BaseModel):\n    x: Float64 = Field(alias='in')\n"
        "class OutputSchema(BaseModel):\n    y: Float64 = Field(serialization_alias='out')\n"
        "def apply(inputs):\n    return OutputSchema(y=inputs.x)\n"
    )
    answer = json.loads(b"".join(invoke(runtime(source), {"inputs": {"in": 1}}).body))
    assert list(answer) == ["out"]


@pytest.mark.parametrize("outputs", ["list", "dict"])
def test_root_models_are_answered_without_a_key(outputs: str, runtime: Make) -> None:
    """An `OutputSchema` that is a root model is written as its root."""
    annotation, value = {
        "list": ("list[Float64]", "[inputs.root['a']]"),
        "dict": ("dict[str, Float64]", "{'b': inputs.root['a']}"),
    }[outputs]
    source = HEADER + (
        "from pydantic import RootModel\n"
        "class InputSchema(RootModel[dict[str, Float64]]): pass\n"
        f"class OutputSchema(RootModel[{annotation}]): pass\n"
        f"def apply(inputs):\n    return OutputSchema({value})\n"
    )
    answer = json.loads(b"".join(invoke(runtime(source), {"inputs": {"a": 1}}).body))
    leaf = answer[0] if outputs == "list" else answer["b"]
    assert leaf["data"]["buffer"] == 1.0


@pytest.mark.parametrize("endpoint", ["input_schema", "output_schema"])
def test_schemas_are_answered_as_json(endpoint: str, runtime: Make) -> None:
    """The JSON Schemas of payload and result are answers like any other."""
    reply = invoke(runtime(), b"", endpoint=endpoint)
    title = "Apply" + endpoint.title().replace("_", "")
    assert json.loads(b"".join(reply.body))["title"] == title
