"""Calls whose answers are stored in `golden_answers.json`, in three formats.

`python -m tests.calls.golden_calls` stores them anew, which a change of answers needs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgpack

from runtime_core import Call, Runtime, Wire

MODEL = """
from typing import Any, Literal
import numpy as np
from pydantic import BaseModel, Field, field_validator
from runtime_core import Array, Bool, Complex128, Differentiable, Float32, Float64, Int16, UInt64

class Part(BaseModel):
    w: Array[(2,), Float32]
    n: int = 3

class Named(BaseModel):
    kind: Literal["named"] = "named"
    name: str

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]] = [0.5]
    m: Array[(2, None), Float32] | None = None
    i: Array[(3,), Int16] = [1, 2, 3]
    u: UInt64 = 1
    s: Float64 = 0.25
    b: Array[(None,), Bool] = [True]
    c: Complex128 = 1j
    any_shape: Array[..., Float64] = 2.0
    number: float = 1.5
    whole: int = 2
    text: str = "ä"
    part: Part = Field(Part(w=[1, 2]), alias="part-alias")
    parts: list[Part] = []
    by_name: dict[str, Array[(None,), Float64]] = {}
    either: Array[(2,), Float64] | Named | int = 7
    anything: Any = None

    @field_validator("text")
    @classmethod
    def _check(cls, text, info):
        if text == "refused":
            raise ValueError(f"refused with {len(info.context)} options")
        return text

class OutputSchema(InputSchema):
    y: Differentiable[Array[(None,), Float64]]
    copied: Float64

def apply(inputs):
    values = {name: getattr(inputs, name) for name in type(inputs).model_fields}
    values["part-alias"] = values.pop("part")
    if inputs.text == "dict":
        return {**values, "y": inputs.x * 2, "copied": float(inputs.s)}
    if inputs.text == "wrong":
        return {**values, "y": [[1]], "copied": "one"}
    if inputs.text == "fails":
        raise RuntimeError("no convergence")
    return OutputSchema(**values, y=inputs.x * 2, copied=inputs.s)
"""
"""A model with fields of every kind, which returns its inputs."""

FORMATS = ("json", "json+base64", "msgpack")


def array(dtype: str, shape: list[int], buffer: Any, encoding: str) -> dict[str, Any]:
    """Return the document of an array."""
    data = {"buffer": buffer, "encoding": encoding}
    return {"object_type": "array", "shape": shape, "dtype": dtype, "data": data}


_DOUBLES = "AAAAAAAA8D8AAAAAAAAAQA=="  # 1.0, 2.0

INPUTS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "floats": {"x": [0.1, 1e300, -0.0]},
    "integers": {"x": [1, 2**53 + 1], "i": [-1, 0, 32767], "u": 2**64 - 1},
    "truths": {"x": [True, False], "b": [False, True]},
    "empty": {"x": [], "m": [[], []]},
    "not_finite": {"x": ["NaN", "Infinity", "-Infinity", None], "number": "NaN", "s": "Infinity"},
    "nested": {"m": [[1, 2.5], [3, 4]], "any_shape": [[[1.0]], [[2.0]]]},
    "broadcast": {"i": [7], "m": [[1.0, 2.0]]},
    "scalars": {"s": 3, "u": 0, "c": "1+2j", "any_shape": 5},
    "documents": {
        "x": array("float64", [2], [1.5, 2.5], "json"),
        "m": array("float32", [2, 1], [[1.5], [2.5]], "json"),
        "i": array("int64", [3], [1.0, 2.0, 3.0], "json"),
    },
    "flat": {"m": array("float32", [2, 2], [1.5, 2.5, 3.5, 4.5], "json")},
    "base64": {"x": array("float64", [2], _DOUBLES, "base64")},
    "cast": {
        "x": array("float32", [2], [1, 2.5], "json"),
        "m": array("float64", [2, 1], [1, 2], "json"),
    },
    "parts": {"part-alias": {"w": [1, 2]}, "parts": [{"w": [0.5, 1.5], "n": 1}, {"w": [2, 3]}]},
    "names": {"by_name": {"a": [1.5], "b": array("float64", [2], _DOUBLES, "base64")}},
    "union_array": {"either": [1.0, 2.0]},
    "union_model": {"either": {"name": "n"}},
    "untyped": {"anything": {"a": [1, "x", None], "b": array("float64", [2], [1, 2], "json")}},
    "from_dict": {"text": "dict", "x": [1.5]},
    "wrong_result": {"text": "wrong"},
    "fails": {"text": "fails"},
    "refused": {"text": "refused"},
    "bad_rank": {"x": [[1.0]]},
    "ragged": {"m": [[1.0], [1.0, 2.0]]},
    "bad_size": {"i": [1, 2], "part-alias": {"w": [1.0, 2.0, 3.0]}},
    "bad_kind": {"i": [1.5, 2.0, 3.0], "b": [1]},
    "bad_text": {"x": ["1.5"], "s": "one", "c": "j2"},
    "out_of_range": {"i": [1, 2, 40000], "m": [[1e300], [0.0]], "x": [2**2000]},
    "bad_dtype": {
        "x": array("float128", [1], [1.0], "json"),
        "i": array("float64", [3], "AAAA", "base64"),
    },
    "bad_length": {
        "x": array("float64", [3], _DOUBLES, "base64"),
        "m": array("float32", [2, 2], [1.0], "json"),
    },
    "bad_alphabet": {"x": array("float64", [2], "@" * 24, "base64")},
    "bad_shape": {
        "x": array("float64", [True], [1.0], "json"),
        "m": array("float32", [2, -1], [], "json"),
    },
    "bad_keys": {"x": {**array("float64", [1], [1.0], "json"), "more": 1}, "y": 1, "nubmer": 2},
    "bad_encoding": {"x": array("float64", [1], [1.0], "jso"), "m": {"data": {}}},
    "bad_union": {"either": "text"},
    "bad_number": {"whole": 1.5, "number": "x", "parts": [{"n": 1}]},
}
"""Inputs by name: first the valid ones."""


def bodies() -> Iterator[tuple[str, str, bytes]]:
    """Yield the name of each call, the format of its body, and the body."""
    for name, inputs in INPUTS.items():
        yield f"{name}, json", "json", json.dumps({"inputs": inputs}).encode()
        if name != "out_of_range":  # MessagePack has no larger integers
            yield f"{name}, msgpack", "msgpack", msgpack.packb({"inputs": _raw(inputs)})
    yield "not an object, json", "json", b"[1]"
    yield "no inputs, json", "json", b'{"x":[1.0]}'
    yield "tokens, json", "json", b'{"inputs":{"x":[NaN,-Infinity],"number":NaN}}'
    yield "not JSON, json", "json", b'{"inputs":{"x":[1.0,]}}'


def _raw(value: Any) -> Any:
    """Return a tree with valid base64 as raw bytes."""
    if isinstance(value, dict):
        if value.get("encoding") == "base64" and "@" not in value["buffer"]:
            return {"buffer": base64.b64decode(value["buffer"]), "encoding": "raw"}
        return {key: _raw(item) for key, item in value.items()}
    return [_raw(item) for item in value] if isinstance(value, list) else value


def answers(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the name and the answer of each call, and only a digest if it is not plain JSON."""
    path = folder / "tesseract_api.py"
    path.write_text(MODEL, encoding="utf-8")
    runtime = Runtime.from_file(path, output_path=str(folder))
    for name, body_format, body in bodies():
        for output in FORMATS:
            call = Call(
                endpoint="apply",
                run_id="golden",
                body=body,
                body_format=body_format,
                output=Wire(format=output),
                new_run=True,
            )
            reply = runtime.invoke(call)
            if reply.fault is not None:
                details = [f"{each['type']} at {each['loc']}" for each in reply.fault.details]
                yield f"{name} to {output}", [reply.fault.kind, *details]
                break  # the format of the result makes no difference to a fault
            answer = b"".join(reply.body)
            stored = answer.decode() if output == "json" else blake2b(answer).hexdigest()
            yield f"{name} to {output}", stored


STORED = Path(__file__).with_name("golden_answers.json")

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        found = dict(answers(Path(folder)))
    STORED.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
