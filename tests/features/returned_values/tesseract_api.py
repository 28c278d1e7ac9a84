"""Values that are not arrays, in places with a type and without."""

from collections import OrderedDict
from typing import Any

import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64


class Item(BaseModel):
    value: float
    count: int


class InputSchema(BaseModel):
    kind: str


class OutputSchema(BaseModel):
    numbers: list[float]
    count: int
    flag: bool
    items: list[Item]
    vectors: list[Array[(None,), Float64]]
    anything: Any
    text: str = "left at its default"


EMPTY = {"numbers": [], "count": 0, "flag": False, "items": [], "vectors": [], "anything": None}
EMPTY["text"] = ""


VALUES = {
    "default": lambda: {name: value for name, value in EMPTY.items() if name != "text"},
    "numpy scalars": lambda: (
        EMPTY
        | {
            "numbers": [np.float64(1.5), np.float32(0.5)],
            "count": np.int64(3),
            "flag": np.bool_(True),
            "text": np.str_("a"),
        }
    ),
    "array of numbers": lambda: EMPTY | {"numbers": np.arange(3.0).tolist()},
    "dicts for models": lambda: EMPTY | {"items": [{"value": 1, "count": 2}]},
    "models": lambda: OutputSchema(**{**EMPTY, "items": [Item(value=1, count=2)]}),
    "array for a list of arrays": lambda: EMPTY | {"vectors": list(np.eye(2))},
    "tuple": lambda: EMPTY | {"numbers": (1.0, 2.0), "anything": (1, "a")},
    "ordered dict": lambda: OrderedDict(EMPTY, numbers=[1.0]),
    "nested plain": lambda: EMPTY | {"anything": {"a": [1, 2.5, None, True, {"b": "c"}]}},
    "untyped numpy": lambda: (
        EMPTY | {"anything": {"a": np.float64(1.5), "b": [np.int32(2), np.bool_(True)]}}
    ),
}


def apply(inputs: InputSchema) -> OutputSchema:
    return VALUES[inputs.kind]()
