"""Typed dicts, named tuples and dataclasses hold arrays, like models, but have no gradients."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from runtime_core import Call, Reply, Runtime, Wire
from runtime_core.description import describe
from runtime_core.errors import InvalidResult, InvalidTesseract

Make = Callable[..., Runtime]

HEADER = """
from __future__ import annotations
from dataclasses import InitVar, dataclass, field
from typing import Generic, NamedTuple, TypeVar
import numpy as np
import pydantic
from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypedDict
from runtime_core import Array, Differentiable, Float64

Vector = Array[(None,), Float64]
T = TypeVar("T")
"""

FIELDS = "    x: Vector\n    n: int = 1\n"
STRUCTURES = {
    "named tuple": f"class Part(NamedTuple):\n{FIELDS}",
    "dataclass": f"@dataclass\nclass Part:\n{FIELDS}",
    "frozen dataclass": f"@dataclass(frozen=True, slots=True, kw_only=True)\nclass Part:\n{FIELDS}",
    "dataclass of pydantic": f"@pydantic.dataclasses.dataclass\nclass Part:\n{FIELDS}",
    "child of a dataclass": f"@dataclass\nclass Parent:\n{FIELDS}class Part(Parent): pass\n",
    "typed dict": "class Part(TypedDict):\n    x: Vector\n    n: NotRequired[int]\n",
    "total typed dict": "class Part(TypedDict, total=False):\n    x: Vector\n    n: int\n",
    "generic named tuple": "class G(NamedTuple, Generic[T]):\n    x: T\n    n: int = 1\n"
    "Part = G[Vector]\n",
    "generic dataclass": "@dataclass\nclass G(Generic[T]):\n    x: T\n    n: int = 1\n"
    "Part = G[Vector]\n",
    "generic typed dict": "class G(TypedDict, Generic[T]):\n    x: list[T]\n    n: int\n"
    "class Part(BaseModel):\n    x: Vector\n    more: G[Vector] = {'x': [[1.0]], 'n': 1}\n",
}
"""Sources of a class `Part` that has an array `x`."""

PARTS = """
class InputSchema(BaseModel):
    part: Part
    parts: dict[str, list[Part]] = {}

class OutputSchema(BaseModel):
    part: Part
    parts: dict[str, list[Part | None]]

def apply(inputs):
    return OutputSchema(part=inputs.part, parts=inputs.parts)
"""


def array(*numbers: float) -> Any:
    """Return the document of an array."""
    data = {"buffer": [*numbers], "encoding": "json"}
    return {"object_type": "array", "shape": [len(numbers)], "dtype": "float64", "data": data}


def answer_of(runtime: Runtime, inputs: Any, endpoint: str = "apply") -> Reply:
    """Return the reply to a call with inputs as JSON."""
    body = json.dumps({"inputs": inputs}).encode()
    output = Wire(format="json")
    return runtime.invoke(
        Call(endpoint=endpoint, run_id="run", body=body, body_format="json", output=output)
    )


def document_of(reply: Reply) -> Any:
    """Return the document of a reply without a fault."""
    assert reply.fault is None, reply.fault.message
    return json.loads(b"".join(reply.body))


@pytest.mark.parametrize("part", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_arrays_are_read_and_written(part: str, runtime: Make) -> None:
    """A structure goes in and out as its document, which is valid against the served schemas."""
    made = runtime(HEADER + part + PARTS)
    describe(made)
    sent = {"x": array(1.0, 2.0)}
    answer = document_of(answer_of(made, {"part": sent, "parts": {"k": [sent, sent]}}))
    assert json.dumps(answer).count(json.dumps(sent["x"])) == 3
    schema: Any = made.call("output_schema")
    assert [e.message for e in Draft202012Validator(schema.root).iter_errors(answer)] == []
    assert document_of(answer_of(made, answer | {"parts": {}}))["part"] == answer["part"]


@pytest.mark.parametrize("part", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_abstract_structures_have_shapes_in_the_place_of_arrays(part: str, runtime: Make) -> None:
    """`abstract_eval` sees and returns the author's classes with a `ShapeDType`."""
    made = runtime(HEADER + part + PARTS + "def abstract_eval(inputs):\n    return dict(inputs)\n")
    answer = document_of(
        answer_of(made, {"part": {"x": {"shape": [3], "dtype": "float64"}}}, "abstract_eval")
    )
    assert '{"shape": [3], "dtype": "float64"}' in json.dumps(answer["part"])


UNION = """
class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    either: list[Part | int | str]

def apply(inputs):
    part = Part(x=np.array([1.0, 2.0]), n=2)
    return OutputSchema(either=[part, 3])
"""


@pytest.mark.parametrize("part", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_a_structure_of_the_author_is_written_in_a_union(part: str, runtime: Make) -> None:
    """What a function makes itself is written by its declared types, in unions too."""
    part = part.replace("    x: Vector\n    more", "    x: Vector\n    n: int\n    more")
    answer = document_of(answer_of(runtime(HEADER + part + UNION), {}))
    assert json.dumps(answer["either"]).count(json.dumps(array(1.0, 2.0))) == 1
    assert answer["either"][1] == 3


def test_a_fault_names_the_class_of_the_author(runtime: Make) -> None:
    """A generated class is not in the message."""
    made = runtime(HEADER + STRUCTURES["dataclass"] + PARTS)
    fault = answer_of(made, {"part": 3}).fault
    assert fault is not None
    assert fault.message == "inputs.part: Input should be a dictionary or an instance of Part"


@pytest.mark.parametrize("kind", ["named tuple", "dataclass", "typed dict"])
def test_a_fault_in_a_union_names_the_class_of_the_author(kind: str, runtime: Make) -> None:
    """The place of a fault has the names of the members of a union."""
    made = runtime(HEADER + STRUCTURES[kind] + PARTS.replace("part: Part", "part: Part | str", 1))
    fault = answer_of(made, {"part": {"x": [[1]]}}).fault
    assert fault is not None
    assert "inputs.part.Part.x: Array has wrong number of dimensions" in fault.message
    assert "Apply_" not in fault.message


DATA = """
@dataclass
class Part:
    x: Vector = field(default_factory=lambda: [1, 2])
    seed: InitVar[int] = 3
    sum: float = field(init=False, default=0.0)
    made: int = 0

    def __post_init__(self, seed):
        self.sum = np.sum(self.x) + seed
        self.made += 1

class Pair(NamedTuple):
    x: Vector = (3, 4)

class InputSchema(BaseModel):
    part: Part = Part(x=[5, 6])
    pair: Pair = Pair()
    parts: list[Part] = []

class OutputSchema(BaseModel):
    part: Part
    pair: Pair
    types: list[str]

def apply(inputs):
    seen = [inputs.part, inputs.pair, *inputs.parts]
    assert isinstance(inputs.part, Part) and isinstance(inputs.pair, Pair)
    return OutputSchema(
        part=inputs.part, pair=inputs.pair, types=[type(s.x).__name__ for s in seen]
    )
"""


def test_defaults_of_structures_are_arrays(runtime: Make) -> None:
    """Defaults of their fields, and defaults that are instances of them, are converted."""
    made = runtime(HEADER + DATA)
    outputs: Any = made.call("apply", {"inputs": {"parts": [{}]}})
    assert outputs.root.types == ["ndarray"] * 3
    assert outputs.root.pair.x.tolist() == [3, 4]


def test_an_instance_is_not_made_again(runtime: Make) -> None:
    """`__post_init__` runs once, for a default as for the instance that a function returns."""
    outputs: Any = runtime(HEADER + DATA).call("apply", {"inputs": {}})
    part = outputs.root.part
    assert (part.x.tolist(), part.sum, part.made) == ([5, 6], 14, 1)


@pytest.mark.parametrize(
    ("returned", "place"),
    [
        ("OutputSchema(part=Part(x=[[1]]), pair=Pair(), types=[])", "part"),
        ("{'part': {'x': [[1]]}, 'pair': Pair(), 'types': []}", "part.x"),
        ("{'part': Part(x=[1]), 'pair': Pair(x=[[1]]), 'types': []}", "pair.0"),
    ],
)
def test_a_returned_array_that_does_not_fit_is_told(
    returned: str, place: str, runtime: Make
) -> None:
    """The arrays of a structure are validated like those of a model."""
    source = HEADER + DATA + f"\ndef apply(inputs):\n    return {returned}\n"
    with pytest.raises(InvalidResult, match="wrong number of dimensions: got 2D") as caught:
        runtime(source).call("apply", {"inputs": {}})
    assert place in str(caught.value)


def test_copies_are_those_of_the_author(runtime: Make) -> None:
    """Structures are copied and pickled as instances of the classes of the file."""
    made = runtime(HEADER + DATA)
    inputs: Any = made.bound("apply").payload
    inputs = inputs.model_validate({"inputs": {"part": {"x": [1, 2]}, "pair": [[3.0]]}}).inputs
    for copied in (deepcopy(inputs), pickle.loads(pickle.dumps(inputs))):
        assert (type(copied.part).__name__, type(copied.pair).__name__) == ("Part", "Pair")
        assert (copied.part.x.tolist(), copied.pair.x.tolist()) == ([1, 2], [3])


def test_a_model_in_a_structure_refuses_unknown_keys(runtime: Make) -> None:
    """Models are generated inside of structures too, and their defaults are arrays."""
    made = runtime(
        HEADER
        + """
class Layer(BaseModel):
    w: Vector = [1, 2]

class Net(TypedDict):
    layer: Layer

class InputSchema(BaseModel):
    net: Net

class OutputSchema(BaseModel):
    seen: str

def apply(inputs):
    return {"seen": type(inputs.net["layer"].w).__name__}
"""
    )
    assert document_of(answer_of(made, {"net": {"layer": {}}})) == {"seen": "ndarray"}
    fault = answer_of(made, {"net": {"layer": {"v": 1}}}).fault
    assert fault is not None
    assert [detail["type"] for detail in fault.details] == ["extra_forbidden"]


def test_a_recursive_structure_with_arrays_is_refused(runtime: Make) -> None:
    """The error names the class and the reason."""
    part = "@dataclass\nclass Part:\n    x: Vector\n    below: list[Part]\n"
    with pytest.raises(InvalidTesseract) as caught:
        runtime(HEADER + part + PARTS).endpoint("apply")
    assert str(caught.value) == (
        "Part contains itself. A recursive class cannot hold arrays: its paths would have no end."
    )


def test_a_recursive_structure_without_arrays_works(runtime: Make) -> None:
    """Only arrays need an end."""
    part = {"n": 1, "below": [{"n": 2, "below": []}]}
    source = HEADER + "@dataclass\nclass Part:\n    n: int\n    below: list[Part]\n" + PARTS
    assert document_of(answer_of(runtime(source), {"part": part}))["part"] == part


GRADIENTS = """
class InputSchema(BaseModel):
    a: Differentiable[Float64]
    part: Part

class OutputSchema(BaseModel):
    y: Differentiable[Vector]

def apply(inputs):
    return {"y": inputs.a * inputs.part.x[inputs.part.x > 0]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"a": np.sum(cotangent_vector["y"])}
"""


def test_the_arrays_of_a_structure_select_the_shape_of_a_cotangent(runtime: Make) -> None:
    """Shapes of outputs are known by every value of a structure, however long its arrays are."""
    made = runtime(HEADER + STRUCTURES["dataclass"] + GRADIENTS)
    for positive in (1, 2):
        x = np.zeros(2000)
        x[1000 : 1000 + positive] = 1
        payload = {
            "inputs": {"a": 1.0, "part": {"x": x}},
            "vjp_inputs": ["a"],
            "vjp_outputs": ["y"],
            "cotangent_vector": {"y": np.ones(positive)},
        }
        answer: Any = made.call("vector_jacobian_product", payload)
        assert answer.root["a"] == positive
