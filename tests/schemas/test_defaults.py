"""Defaults that do not fit are a warning at load, and a fault of the calls that use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Call, Runtime, Wire
from runtime_core.contracts import Fault
from runtime_core.description import describe
from runtime_core.errors import FaultKind, InvalidDefault, InvalidPayload
from tests.conftest import Cli

Make = Callable[..., Runtime]

HEADER = """
from dataclasses import dataclass, field
from typing import Annotated, Generic, NamedTuple, Optional, TypeVar
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Secret
from pydantic import field_validator, model_validator
from runtime_core import Array, Float64

T = TypeVar("T")
Vector = Array[(3,), Float64]

class Box(BaseModel, Generic[T]):
    item: T

class Layer(BaseModel):
    w: Vector = Field("The weights.")

class Point(BaseModel):
    p: Float64

@dataclass
class Mesh:
    w: Vector = field(default_factory=lambda: [1, 2])
    name: str = None

class Pair(NamedTuple):
    n: int = None
    w: Vector = None
"""

NOT_NUMBERS = "Could not parse value as a numeric array (contains non-numeric data)."
DESCRIPTION = (
    " Field(description=...) was probably meant: the first argument of Field is the default."
)
NONE = " Add `| None` to the type of the field, or leave the default out."
OF_SHAPE_2 = "Array shape (2,) is incompatible with expected shape (3,)."
WEIGHTS = f"Layer.w: the default 'The weights.' does not fit this field: {NOT_NUMBERS}{DESCRIPTION}"


def tesseract(inputs: str, outputs: str = "seen: str", returned: str = "seen=repr(inputs)") -> str:
    """Return the source of a Tesseract whose schemas have these fields."""
    return HEADER + (
        f"class InputSchema(BaseModel):\n    a: int\n    {inputs}\n"
        f"class OutputSchema(BaseModel):\n    {outputs}\n"
        f"def apply(inputs):\n    return OutputSchema({returned})\n"
        "def abstract_eval(inputs):\n    return dict(seen='')\n"
    )


def fault(runtime: Runtime, inputs: dict[str, Any], endpoint: str = "apply") -> Fault:
    """Return the fault of a call in JSON."""
    body = json.dumps({"inputs": inputs}).encode()
    wire = Wire(format="json")
    call = Call(endpoint=endpoint, run_id="r", body=body, body_format="json", output=wire)
    found = runtime.invoke(call).fault
    assert found is not None
    return found


CASES = [
    (
        "x: Float64 = Field('The scale.')",
        f"InputSchema.x: the default 'The scale.' does not fit this field: {NOT_NUMBERS}"
        f"{DESCRIPTION}",
        {"x": 1},
    ),
    (
        "x: Vector = None",
        f"InputSchema.x: the default None does not fit this field: {NOT_NUMBERS}{NONE}",
        {"x": [1, 2, 3]},
    ),
    (
        "x: Vector = Field(np.zeros(2), alias='X')",
        f"InputSchema.x: the default does not fit this field: {OF_SHAPE_2}",
        {"X": [1, 2, 3]},
    ),
    (
        "x: Vector = Field(default_factory=lambda: [1, 2])",
        f"InputSchema.x: the default does not fit this field: {OF_SHAPE_2}",
        {"x": 3 * [1]},
    ),
    (
        "x: Vector = Field(default_factory=lambda data: [data['a'], 2])",
        f"InputSchema.x: the default does not fit this field: {OF_SHAPE_2}",
        {"x": 3 * [1]},
    ),
    (
        "x: list[Vector] | None = [np.zeros(3), np.zeros(2)]",
        f"InputSchema.x.1: the default does not fit this field: {OF_SHAPE_2}",
        {"x": None},
    ),
    (
        "x: Vector = 1j * np.ones(3)",
        "InputSchema.x: the default does not fit this field: "
        "Array dtype 'complex128' cannot be safely cast to 'float64'.",
        {"x": [1, 2, 3]},
    ),
    (
        "x: list[Vector] = Field('The vectors.')",
        "InputSchema.x: the default 'The vectors.' does not fit this field: "
        f"Input should be a valid list.{DESCRIPTION}",
        {"x": []},
    ),
    (
        "x: Vector | Array[(None, 2), Float64] = [1, 2]",
        f"InputSchema.x: the default does not fit this field: {OF_SHAPE_2}",
        {"x": [[1, 2]]},
    ),
    (
        "x: int = Field('The number.')\n    model_config = ConfigDict(validate_default=True)",
        "InputSchema.x: the default 'The number.' does not fit this field: Input should be a valid "
        f"integer, unable to parse string as an integer.{DESCRIPTION}",
        {"x": 1},
    ),
    (
        "x: Secret[int] = Field('hunter2')\n    model_config = ConfigDict(validate_default=True)",
        "InputSchema.x: the default does not fit this field: Input should be a valid integer, "
        "unable to parse string as an integer.",
        {"x": 1},
    ),
    ("x: Layer = Layer()", WEIGHTS, {"x": {"w": [1, 2, 3]}}),
    ("x: dict[str, Layer] = {'k': Layer()}", WEIGHTS, {"x": {}}),
    ("x: Layer = {}", WEIGHTS, {"x": {"w": [1, 2, 3]}}),
    ("x: Optional[Layer] = Field(default_factory=Layer)", WEIGHTS, {"x": None}),
]
"""Fields of inputs, what is wrong with their defaults, and values for them."""


@pytest.mark.parametrize(("inputs", "message", "given"), CASES)
def test_only_a_call_that_uses_the_default_fails(
    inputs: str, message: str, given: dict[str, Any], runtime: Make
) -> None:
    """The fault names the field of the schema and is one of the Tesseract."""
    made = runtime(tesseract(inputs))
    describe(made)
    made.call("apply", {"inputs": {"a": 1, **given}})
    found = fault(made, {"a": 1})
    assert (found.kind, found.message) == (FaultKind.TESSERACT_FAILED, message)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(inputs, message) for inputs, message, _ in CASES if "data[" not in inputs],
)
def test_a_warning_names_the_field(
    inputs: str, message: str, runtime: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Loading logs one warning for each default, whatever number of endpoints has it."""
    describe(runtime(tesseract(inputs)))
    assert caplog.messages == [f"{message} Calls that use this default fail."]


def test_a_secret_that_is_a_default_is_not_in_the_warning(
    runtime: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is one that no call validates."""
    describe(runtime(tesseract("x: Secret[int] = Field('hunter2')")))
    assert "InputSchema.x: the default does not fit this field: " in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("left_out", ["y", "z"])
def test_defaults_of_outputs(left_out: str, runtime: Make) -> None:
    """A result that has such a default fails the same way."""
    outputs = "y: Float64 = None\n    z: Vector = Field('The result.')"
    values = {"y": "1.0", "z": "[1, 2, 3]"}
    del values[left_out]
    returned = ", ".join(f"{name}={value}" for name, value in values.items())
    for source in (
        tesseract("x: int = 0", outputs, returned),
        tesseract("x: int = 0", outputs, returned).replace("OutputSchema(y", "dict(y"),
    ):
        with pytest.raises(InvalidDefault, match=rf"^OutputSchema\.{left_out}: the default "):
            runtime(source).call("apply", {"inputs": {"a": 1}})


@pytest.mark.parametrize("default", ["[1, 2]", "'The vector.'"])
def test_shapes_without_values_need_the_default_too(default: str, runtime: Make) -> None:
    """`abstract_eval` fails where it has no shape of its own."""
    found = fault(runtime(tesseract(f"x: Vector = {default}")), {"a": 1}, "abstract_eval")
    assert found.kind is FaultKind.TESSERACT_FAILED
    assert found.message.startswith("InputSchema.x: the default ")


def test_an_instance_in_python_has_its_defaults(runtime: Make) -> None:
    """Defaults of an author's instance are no values that its maker gave."""
    made = runtime(tesseract("x: Layer"))
    layer = made.api.module.Layer
    with pytest.raises(InvalidDefault, match=r"^Layer\.w: "):
        made.call("apply", {"inputs": {"a": 1, "x": layer()}})
    with pytest.raises(InvalidPayload):
        made.call("apply", {"inputs": {"a": 1, "x": layer.model_construct(w="a word")}})


def test_faults_of_the_payload_come_first(runtime: Make) -> None:
    """What the caller has done wrong is told without the defaults."""
    found = fault(runtime(tesseract("x: Vector = None\n    y: Vector = [1, 2, 3]")), {"y": [1, 2]})
    assert found.kind is FaultKind.INVALID_PAYLOAD
    assert [detail["loc"] for detail in found.details] == [["inputs", "a"], ["inputs", "y"]]


def test_another_member_of_a_union_needs_no_default(runtime: Make) -> None:
    """A default of one member does not spoil the others."""
    made = runtime(tesseract("x: Layer | Point"))
    seen = made.call("apply", {"inputs": {"a": 1, "x": {"p": 2}}}).model_dump()["seen"]
    assert "Apply_Point(p=" in seen


@pytest.mark.parametrize(
    ("annotation", "empty", "full", "message"),
    [
        (
            "Mesh",
            {},
            {"w": [1, 2, 3]},
            f"Mesh.w: the default does not fit this field: {OF_SHAPE_2}",
        ),
        (
            "Pair",
            [1],
            {"w": [1, 2, 3]},
            f"Pair.w: the default None does not fit this field: {NOT_NUMBERS}{NONE}",
        ),
    ],
)
def test_defaults_of_structures(
    annotation: str,
    empty: Any,
    full: Any,
    message: str,
    runtime: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Fields with arrays are told as those of models, others have their defaults unvalidated."""
    made = runtime(tesseract(f"x: {annotation}"))
    schema = describe(made).openapi["components"]["schemas"]
    assert caplog.messages == [f"{message} Calls that use this default fail."]
    assert "value" not in str(schema["Apply_InputSchema"]) + str(schema.get("Apply_Mesh"))
    seen = made.call("apply", {"inputs": {"a": 1, "x": full}}).model_dump()["seen"]
    assert "=None" in seen
    found = fault(made, {"a": 1, "x": empty})
    assert (found.kind, found.message) == (FaultKind.TESSERACT_FAILED, message)


@pytest.mark.parametrize(
    "inputs",
    [
        "x: Vector | None = None",
        "x: Vector = [1]",
        "x: dict[str, Vector] = {}",
        "x: Vector = Field(default_factory=lambda data: 3 * [data['a']])",
        "x: Annotated[Vector, BeforeValidator(lambda v: [0.0] if v is None else v)] = None",
        "x: Vector = None\n"
        "    @field_validator('x', mode='before')\n"
        "    @classmethod\n"
        "    def fill(cls, x):\n"
        "        return [0.0] if x is None else x",
        "n: int = None",
        "n: 'str | int' = 'text'",
        "n: 'dict | str' = Field('text', description='d')",
    ],
)
def test_a_default_that_its_field_accepts_gives_no_warning(
    inputs: str, runtime: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Defaults that work in a call pass, among them `None`, which pydantic does not validate."""
    made = runtime(tesseract(inputs))
    made.call("apply", {"inputs": {"a": 1}})
    describe(made)
    assert caplog.messages == []


def test_a_validator_that_needs_values_does_not_stop_loading(runtime: Make) -> None:
    """The empty object that shows the defaults may be too little for a validator."""
    inputs = (
        "x: Vector = None\n"
        "    @model_validator(mode='before')\n"
        "    @classmethod\n"
        "    def need(cls, values):\n"
        "        return {**values, 'a': values['a']}"
    )
    made = runtime(tesseract(inputs))
    describe(made)
    assert fault(made, {"a": 1}).kind is FaultKind.TESSERACT_FAILED


@pytest.mark.parametrize("annotation", ["int", "float", "bool | None", "list[float]", "Box[int]"])
def test_a_text_for_another_plain_type(
    annotation: str, runtime: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """The author's function gets it, as pydantic gives it, but no JSON Schema has it."""
    made = runtime(tesseract(f"n: {annotation} = Field('How many.', title='N')"))
    seen = made.call("apply", {"inputs": {"a": 1}}).model_dump()["seen"]
    assert "n='How many.'" in seen
    (warning,) = caplog.messages
    assert warning.startswith("InputSchema.n: the default 'How many.' does not fit this field: ")
    assert warning.endswith(DESCRIPTION)
    schema = describe(made).openapi["components"]["schemas"]["Apply_InputSchema"]
    assert "default" not in schema["properties"]["n"]
    assert schema["required"] == ["a"]


@pytest.mark.parametrize(
    ("field", "seen"),
    [
        ("Box[Vector] = Box(item=[1, 2, 3])", "x=Box[Array](item=array([1., 2., 3.]))"),
        ("Box[Vector] = Box[list](item=[1, 2, 3])", "x=Box[Array](item=array([1., 2., 3.]))"),
        ("list[Box[Vector]] = [Box(item=[1, 2, 3])]", "x=[Box[Array](item=array([1., 2., 3.]))]"),
        ("dict[str, Box[Float64]] = {'k': Box(item=1)}", "{'k': Box[Array](item=np.float64(1.0))}"),
        ("Optional[Box[Float64]] = Box(item=1)", "x=Box[Array](item=np.float64(1.0))"),
        (
            "Box[Box[Float64]] = Box(item=Box(item=1))",
            "x=Box[Box[Array]](item=Box[Array](item=np.float64(1.0)))",
        ),
        (
            "Box[Point] | None = Field(default_factory=lambda: Box(item=Point(p=1)))",
            "x=Box[Point](item=Point(p=np.float64(1.0)))",
        ),
    ],
)
def test_a_default_of_the_generic_model(
    field: str, seen: str, runtime: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """An instance without parameters, or of others, becomes one of the declared parameters."""
    made = runtime(tesseract(f"x: {field}"))
    assert seen in made.call("apply", {"inputs": {"a": 1}}).model_dump()["seen"]
    assert caplog.messages == []


def test_a_returned_instance_of_the_generic_model(runtime: Make) -> None:
    """A dict with such an instance is a result like any other."""
    source = tesseract("x: int = 1", "y: Box[Float64]", "y=1").replace(
        "return OutputSchema(y=1)", "return dict(y=Box(item=inputs.a))"
    )
    assert runtime(source).call("apply", {"inputs": {"a": 2}}).model_dump()["y"] == {"item": 2}


def test_commands_warn_and_work(cli: Cli, tmp_path: Path) -> None:
    """`check` and `openapi-schema` end well, `apply` with 1 only where the default is used."""
    path = tmp_path / "tesseract_api.py"
    path.write_text(tesseract("x: Float64 = Field('The scale.')"), encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        ended = cli("--api-path", str(path), *arguments)
        return ended.returncode, ended.stdout, ended.stderr

    warning = f"{CASES[0][1]} Calls that use this default fail.\n"
    code, stdout, stderr = run("check")
    assert (code, stderr) == (0, warning)
    assert stdout.startswith("tesseract_api.py is a valid Tesseract.\n")
    code, stdout, stderr = run("openapi-schema")
    assert (code, stderr) == (0, warning)
    field = json.loads(stdout)["components"]["schemas"]["Apply_InputSchema"]["properties"]["x"]
    assert "default" not in field
    assert run("apply", '{"inputs":{"a":1,"x":2}}')[::2] == (0, warning)
    assert run("apply", '{"inputs":{"a":1}}') == (1, "", f"{warning}Error: {CASES[0][1]}\n")
