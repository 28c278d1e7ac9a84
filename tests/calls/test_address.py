"""The address of a call: equal for calls with the same result, and different for all others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime

Make = Callable[..., Runtime]

SOURCE = """
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from pydantic import BaseModel, Field, JsonValue, SecretStr
from runtime_core import Array, Float64
from tesseract_core.runtime.experimental import InputPath, LazySequence, TesseractReference

class Kind(Enum):
    steel = "s"
    wood = "w"

class Pair(NamedTuple):
    a: int
    b: int

class InputSchema(BaseModel):
    model_config = {"extra": "allow"}
    x: Array[(None,), Float64] = Field([1.0], exclude=True)
    n: float = 1.0
    kind: Kind = Kind.steel
    day: date = date(2020, 1, 1)
    pair: Pair = Pair(1, 2)
    names: set[str] = set()
    data: JsonValue = None
    raw: bytes = b""
    mesh: InputPath | None = None
    place: Path | None = None
    points: LazySequence[float] = []
    password: SecretStr | None = None
    other: TesseractReference | None = None

class OutputSchema(BaseModel):
    n: float

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(n=inputs.n)

def abstract_eval(inputs):
    return {}
"""


@pytest.fixture
def address(runtime: Make, tmp_path: Path) -> Callable[..., str | None]:
    """Return a function that gives the address of a call with some inputs."""
    made = runtime(SOURCE, input_path=str(tmp_path))
    return lambda **inputs: made.call_address("apply", {"inputs": inputs})


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({}, {"n": 1, "x": [1.0]}),
        ({"x": [1.0, 2.0]}, {"x": np.array([1, 2], "int8")}),
        ({"data": {"a": 1, "b": [None]}}, {"data": {"b": [None], "a": 1}}),
        ({"names": ["a", "b", "c"]}, {"names": ["c", "a", "b"]}),
    ],
)
def test_equal_calls_have_one_address(address: Any, one: Any, same: Any) -> None:
    """Defaults, forms of arrays, and the order of keys and of sets do not count."""
    assert address(**one) == address(**same) is not None


def test_other_inputs_have_other_addresses(address: Any) -> None:
    """Every value counts, and its type and place too, whatever its own serializer leaves out."""
    values: list[Any] = [0, 0.0, False, "", "None", [], {}, [[]], ["a", "b"], ["a, b"]]
    values += [[["a"], "b"], [["a", "b"]], {"a": "b"}, {"b": "a"}]
    inputs: list[Any] = [
        {},
        *({"data": value} for value in values),
        *({"x": x} for x in ([], [0.0], [-0.0], [np.nan], [1.0, 2.0], [2.0, 1.0])),
        *({"n": n} for n in (2.0, -1.0, 1.0 + 2**-52)),
        *({"raw": raw} for raw in (b"\0", b"\0\0")),
        {"kind": "w"},
        {"day": "2020-01-02"},
        {"pair": [2, 1]},
        {"names": ["a"]},
        {"points": [1.0]},
        {"extra": 1},
    ]
    found = [address(**each) for each in inputs]
    assert None not in found
    assert len({*found}) == len(inputs)


def test_files_count_with_their_content(address: Any, tmp_path: Path) -> None:
    """Files, all files of a folder, the items of a sequence, and the names of all of them count."""
    inputs = [
        {"mesh": "a"},
        {"mesh": "folder"},
        {"place": str(tmp_path / "a")},
        {"points": "@*.json"},
    ]
    (tmp_path / "folder/deep").mkdir(parents=True)

    def addresses(text: str) -> list[Any]:
        for name in ("a", "b", "folder/deep/a", "1.json"):
            (tmp_path / name).write_text(text)
        return [address(**each) for each in inputs]

    first, second = addresses("1"), addresses("2")
    assert first == addresses("1")
    assert address(mesh="b") != first[0]
    (tmp_path / "folder/empty").touch()
    third = address(mesh="folder")
    assert len({*first, *second, third, None}) == 2 * len(inputs) + 2


@pytest.mark.parametrize(
    "inputs", [{"password": "hidden"}, {"other": {"type": "url", "ref": "http://localhost"}}]
)
def test_secrets_and_objects_have_no_address(address: Any, inputs: Any) -> None:
    """A digest could give a secret away, and nothing is known about another Tesseract."""
    assert address(**inputs) is None


def test_the_tesseract_and_its_options_count(runtime: Make, tmp_path: Path) -> None:
    """The content of the file, the endpoint, and the options that functions see are part of it."""
    options: list[Any] = [{}, {"version": "2"}, {"gradient_backend": "auto"}]
    made = [runtime(SOURCE, **each) for each in options]
    found = [each.call_address("apply", {"inputs": {}}) for each in made]
    found += [made[0].call_address("abstract_eval", {"inputs": {}})]
    same = runtime(SOURCE, output_path=str(tmp_path), debug=True, log_to="file")
    assert same.call_address("apply", {"inputs": {}}) == found[0]
    found += [runtime(f"{SOURCE}#").call_address("apply", {"inputs": {}})]
    assert len({*found}) == len(found)
