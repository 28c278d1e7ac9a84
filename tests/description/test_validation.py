"""All faults of a Tesseract are reported when it is loaded, in clear sentences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core import Runtime
from runtime_core.description import describe
from runtime_core.errors import FaultKind, InvalidTesseract
from tests.conftest import Cli

Make = Callable[..., Runtime]
Tesseract = Callable[..., Path]

HEADER = """
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel, field_validator
from pydantic import model_validator
from runtime_core import Array, Differentiable, Float64

Vector = Differentiable[Array[(None,), Float64]]
"""

SCHEMAS = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Vector

class OutputSchema(BaseModel):
    y: Vector
"""
)
"""The beginning of Tesseracts whose functions are what matters."""

APPLY = "\ndef apply(inputs): ...\n"

NOTHING = "has nothing differentiable: mark an array as Differentiable[...]."


def schemas(inputs: str, outputs: str = "y: Vector") -> str:
    """Return the source of a Tesseract whose schemas have these fields."""
    return HEADER + (
        f"class InputSchema(BaseModel):\n    {inputs}\n"
        f"class OutputSchema(BaseModel):\n    {outputs}\n{APPLY}"
    )


def refusal(runtime: Runtime) -> str:
    """Return the message with which a Tesseract is refused."""
    with pytest.raises(InvalidTesseract) as caught:
        describe(runtime)
    assert caught.value.kind is FaultKind.LOAD_FAILED
    return str(caught.value)


def test_a_tesseract_without_faults_is_described(runtime: Make) -> None:
    """A valid file has no faults, and none of its functions is called."""
    source = SCHEMAS + (
        "def apply(inputs):\n    1 / 0\n"
        "def jacobian(inputs, jac_inputs, jac_outputs):\n    1 / 0\n"
        "def abstract_eval(inputs):\n    1 / 0\n"
    )
    served = [endpoint.name for endpoint in describe(runtime(source)).endpoints]
    assert served[:3] == ["apply", "jacobian", "abstract_eval"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def apply(inputs): ...",
            "tesseract_api.py does not define InputSchema.\n"
            "tesseract_api.py does not define OutputSchema.",
        ),
        (
            "class InputShema(Model): ...\nclass OutputSchema(Model): ...\ndef apply(inputs): ...",
            "tesseract_api.py does not define InputSchema. Did you mean 'InputShema'?",
        ),
        (
            "InputSchema = 3\nclass OutputSchema(Model): ...\ndef apply(inputs): ...",
            "InputSchema of tesseract_api.py must be a class that derives from "
            "pydantic.BaseModel, not 3.",
        ),
        (
            "class InputSchema(Model): ...\nOutputSchema = InputSchema()\ndef apply(inputs): ...",
            "OutputSchema of tesseract_api.py must be a class that derives from "
            "pydantic.BaseModel, not InputSchema().",
        ),
        (
            "class InputSchema(Model): ...\nclass OutputSchema(Model): ...\n",
            "tesseract_api.py does not define a function 'apply'. Every Tesseract needs one.",
        ),
        (
            "class InputSchema(Model): ...\nclass OutputSchema(Model): ...\ndef aply(i): ...",
            "tesseract_api.py does not define a function 'apply'. Did you mean 'aply'? "
            "Every Tesseract needs one.",
        ),
        (
            "InputSchema = int\nclass OutputSchema(Model): ...\n",
            "InputSchema of tesseract_api.py must be a class that derives from "
            "pydantic.BaseModel, not <class 'int'>.\n"
            "tesseract_api.py does not define a function 'apply'. Every Tesseract needs one.",
        ),
    ],
)
def test_what_a_file_lacks_is_told(source: str, message: str, runtime: Make) -> None:
    """Each missing part of a Tesseract has its own line."""
    assert refusal(runtime("from pydantic import BaseModel as Model\n" + source)) == message


def test_a_long_value_in_the_place_of_a_schema_is_shortened(runtime: Make) -> None:
    """The message shows the value, shortened."""
    message = refusal(runtime(SCHEMAS + APPLY + "InputSchema = list(range(10_000))\n"))
    assert len(message) < 250


@pytest.mark.parametrize("name", ["apply", "jacobian"])
def test_what_is_no_function_is_not_suggested(name: str, runtime: Make) -> None:
    """A correct name is not suggested."""
    made = runtime(SCHEMAS + ("" if name == "apply" else APPLY) + f"{name} = 3\n")
    try:
        message = describe(made).unavailable[name]
    except InvalidTesseract as error:
        message = str(error)
    assert f"Did you mean {name!r}?" not in message


@pytest.mark.parametrize(
    ("functions", "messages"),
    [
        (
            "def apply(): ...",
            ["apply() cannot be called as apply(inputs): too many positional arguments."],
        ),
        (
            "def apply(inputs, mesh): ...",
            [
                "apply(inputs, mesh) cannot be called as apply(inputs): missing a required "
                "argument: 'mesh'."
            ],
        ),
        (
            "def apply(*, inputs): ...",
            ["apply(*, inputs) cannot be called as apply(inputs): too many positional arguments."],
        ),
        (
            "def apply(inputs): ...\ndef abstract_eval(inputs, outputs): ...",
            [
                "abstract_eval(inputs, outputs) cannot be called as abstract_eval(inputs): "
                "missing a required argument: 'outputs'."
            ],
        ),
        (
            "def apply(inputs): ...\ndef jacobian(inputs, jac_in, jac_outputs): ...",
            [
                "jacobian(inputs, jac_in, jac_outputs) cannot be called as jacobian(inputs, "
                "jac_inputs, jac_outputs): missing a required argument: 'jac_in'."
            ],
        ),
        (
            "def apply(inputs): ...\ndef jacobian(inputs, jac_inputs, jac_outputs, /): ...",
            [
                "jacobian(inputs, jac_inputs, jac_outputs, /) cannot be called as "
                "jacobian(inputs, jac_inputs, jac_outputs): "
                "positional"  # Python's versions have different words for the rest
            ],
        ),
        (
            "def apply(inputs): ...\n"
            "def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs): ...\n"
            "def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangents): ...",
            [
                "jacobian_vector_product(inputs, jvp_inputs, jvp_outputs) cannot be called as "
                "jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector): "
                "got an unexpected keyword argument 'tangent_vector'.",
                "vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangents) cannot be "
                "called as vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, "
                "cotangent_vector): missing a required argument: 'cotangents'.",
            ],
        ),
        (
            "apply = partial(lambda flag, inputs: None, flag=1)",
            [
                "apply(*, flag=1, inputs) cannot be called as apply(inputs): too many positional "
                "arguments."
            ],
        ),
    ],
)
def test_a_signature_that_does_not_fit_is_told(
    functions: str, messages: list[str], runtime: Make
) -> None:
    """The message has the signature, the call and the difference."""
    got = refusal(runtime(SCHEMAS + functions)).splitlines()
    assert len(got) == len(messages)
    for line, message in zip(got, messages, strict=True):
        before, _, reason = message.rpartition(": ")
        assert line.startswith(before)
        assert reason.rstrip(".") in line


@pytest.mark.parametrize(
    "functions",
    [
        "def apply(anything): ...",
        "def apply(*args): ...",
        "def apply(inputs, mesh=None, *, scale=1): ...",
        "apply = partial(lambda flag, inputs: None, 1)",
        "class Solver:\n    def __call__(self, inputs): ...\napply = Solver()",
        "class Solver:\n    def solve(self, inputs): ...\napply = Solver().solve",
        "class apply:\n    def __init__(self, inputs): ...",
        "apply = print",
        "apply = np.vectorize(lambda inputs: inputs)",
        "apply = lambda inputs: None\ndef abstract_eval(*args, **kwargs): ...",
        "apply = lambda inputs: None\ndef jacobian(**named): ...",
        "apply = lambda inputs: None\ndef jacobian(jac_outputs, jac_inputs, inputs): ...",
        "apply = lambda inputs: None\ndef jacobian(inputs, jac_inputs, **others): ...",
        "apply = lambda inputs: None\ndef jacobian(inputs, jac_inputs, jac_outputs, eps=1): ...",
        "apply = lambda inputs: None\njacobian = partial(lambda eps, **named: None, 1e-3)",
    ],
)
def test_every_callable_that_fits_is_accepted(functions: str, runtime: Make) -> None:
    """Any callable with the right signature is a function."""
    describe(runtime(SCHEMAS + functions + "\n"))


@pytest.mark.parametrize(
    ("inputs", "outputs", "schema"),
    [
        ("x: Array[(None,), Float64]", "y: Vector", "InputSchema"),
        ("x: Vector", "y: Float64", "OutputSchema"),
        ("x: int", "y: int", "InputSchema"),
    ],
)
def test_a_gradient_of_nothing_is_told(
    inputs: str, outputs: str, schema: str, runtime: Make
) -> None:
    """A gradient function needs something differentiable on both sides."""
    source = schemas(inputs, outputs) + "def jacobian(inputs, jac_inputs, jac_outputs): ...\n"
    assert refusal(runtime(source)) == f"There is a function 'jacobian', but {schema} {NOTHING}"


@pytest.mark.parametrize(
    ("models", "name"),
    [
        (
            "class InputSchema(BaseModel):\n    x: Vector\n    next: 'InputSchema | None' = None\n",
            "InputSchema",
        ),
        (
            "class Node(BaseModel):\n    w: Vector\n    nodes: list['Node'] = []\n"
            "class InputSchema(BaseModel):\n    tree: dict[str, Node]\n",
            "Node",
        ),
        (
            "class One(BaseModel):\n    w: Vector\n    other: 'Two | None' = None\n"
            "class Two(BaseModel):\n    one: One\n"
            "class InputSchema(BaseModel):\n    one: One\n",
            "One",
        ),
    ],
)
def test_a_recursive_model_with_arrays_is_told(models: str, name: str, runtime: Make) -> None:
    """The model is named, with the reason, once."""
    source = HEADER + models + "class OutputSchema(BaseModel):\n    y: Vector\n" + APPLY
    assert refusal(runtime(source)) == (
        f"{name} contains itself. A recursive model cannot hold arrays: its paths would have no "
        "end."
    )


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (
            "f: Callable[[int], int]",
            "y: Vector",
            "ApplyInputSchema has a type that no JSON Schema can describe: "
            "Cannot generate a JsonSchema for core_schema.CallableSchema",
        ),
        (
            "x: Vector",
            "model_config = ConfigDict(arbitrary_types_allowed=True)\n    y: np.random.Generator",
            "ApplyOutputSchema has a type that no JSON Schema can describe: "
            "Cannot generate a JsonSchema for core_schema.IsInstanceSchema "
            "(<class 'numpy.random._generator.Generator'>)",
        ),
        (
            "model_config = ConfigDict(arbitrary_types_allowed=True)\n    x: np.ndarray",
            "y: Vector",
            "ApplyInputSchema has a type that no JSON Schema can describe: "
            "Cannot generate a JsonSchema for core_schema.IsInstanceSchema "
            "(<class 'numpy.ndarray'>). Use Array[...] as the type of arrays, for instance "
            "Array[(None,), Float64].",
        ),
    ],
)
def test_a_type_without_json_schema_is_told(
    inputs: str, outputs: str, message: str, runtime: Make
) -> None:
    """A field without a JSON Schema is refused."""
    assert refusal(runtime(schemas(inputs, outputs))) == message


def test_a_type_that_is_not_defined_is_told(runtime: Make) -> None:
    """An unresolved name is reported with its model."""
    assert refusal(runtime(schemas("x: 'Mesh'", "y: list['Grid']"))) == (
        "InputSchema names the type 'Mesh', which is not defined.\n"
        "OutputSchema names the type 'Grid', which is not defined."
    )


@pytest.mark.parametrize(
    "mesh",
    [
        "@dataclass\nclass Mesh:\n    nodes: list[Vector]\n",
        "class Mesh(TypedDict):\n    nodes: list[Vector]\n",
        "class Mesh(NamedTuple):\n    nodes: list[Vector]\n",
    ],
)
def test_gradients_of_other_classes_are_told(mesh: str, runtime: Make) -> None:
    """No path leads into a dataclass, typed dict or named tuple."""
    source = (
        HEADER
        + "from dataclasses import dataclass\nfrom typing import NamedTuple\n"
        + "from typing_extensions import TypedDict\n"
        + mesh
        + "class InputSchema(BaseModel):\n    mesh: dict[str, Mesh]\n"
        + "class OutputSchema(BaseModel):\n    y: Vector\n"
        + APPLY
    )
    assert refusal(runtime(source)) == (
        "Mesh.nodes.[] is differentiable, but Mesh is not a pydantic.BaseModel: gradients have no "
        "paths into other classes. Make it one, or declare the array without Differentiable."
    )


def test_all_faults_are_told_at_once(runtime: Make) -> None:
    """Schemas, signatures, types and gradients have a line each, none of them twice."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    x: Array[(None,), Float64]\n"
        "class OutputSchema(BaseModel):\n    f: Callable\n"
        "def apply(): ...\n"
        "def abstract_eval(a, b): ...\n"
        "def jacobian(inputs): ...\n"
    )
    lines = refusal(runtime(source)).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "apply() cannot be called as apply(inputs)",
        "abstract_eval(a, b) cannot be called as abstract_eval(inputs)",
        "jacobian(inputs) cannot be called as jacobian(inputs, jac_inputs, jac_outputs)",
        "ApplyOutputSchema has a type that no JSON Schema can describe",
        "There is a function 'jacobian', but InputSchema has nothing differentiable",
        "AbstractOutputSchema has a type that no JSON Schema can describe",
    ]


@pytest.mark.parametrize(
    ("source", "raised"),
    [
        (
            schemas(
                "x: Vector\n    @classmethod\n"
                "    def __get_pydantic_json_schema__(cls, schema, handler):\n"
                "        raise KeyError('boo')"
            ),
            "KeyError: 'boo'",
        ),
        (
            schemas("x: Vector\n    def __init_subclass__(cls, *, need): ..."),
            "TypeError: InputSchema.__init_subclass__() missing 1 required keyword-only argument: "
            "'need'",
        ),
    ],
    ids=["json schema", "subclass"],
)
def test_what_code_of_the_author_raises_is_told(source: str, raised: str, runtime: Make) -> None:
    """An exception of the author's classes is a fault of the Tesseract, not of the runtime."""
    assert raised in refusal(runtime(source))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            schemas("x: Vector\n    next: 'InputSchema | None' = None"),
            "InputSchema contains itself. A recursive model cannot hold arrays: its paths would "
            "have no end.",
        ),
        (
            schemas("x: int") + "def jacobian(inputs, jac_inputs, jac_outputs): ...\n",
            f"There is a function 'jacobian', but InputSchema {NOTHING}",
        ),
        (
            "class InputSchema: ...\n"
            + SCHEMAS.replace("class InputSchema", "class Inputs")
            + APPLY,
            "InputSchema of tesseract_api.py must be a class that derives from "
            "pydantic.BaseModel, not <class 'tesseract_api",
        ),
        (
            SCHEMAS,
            "tesseract_api.py does not define a function 'apply'. Every Tesseract needs one.",
        ),
    ],
    ids=["recursive", "gradient", "schema", "apply"],
)
def test_check_refuses_in_one_sentence(
    source: str, sentence: str, cli_here: Cli, tesseract: Tesseract
) -> None:
    """The command `check` ends with 1 and says what is wrong, without a traceback."""
    ended = cli_here("--api-path", str(tesseract(source)), "check")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Error: {sentence}")
    assert ended.stderr.count("\n") == 1


def test_check_tells_all_faults(cli: Cli, tesseract: Tesseract) -> None:
    """Several faults are several lines of one message."""
    source = schemas("x: Vector = 'bad'", "y: int") + (
        "def apply(): ...\ndef vector_jacobian_product(inputs): ...\n"
    )
    ended = cli("--api-path", str(tesseract(source)), "check")
    assert (ended.returncode, ended.stdout) == (1, "")
    warning, *lines = ended.stderr.splitlines()
    assert warning.startswith("InputSchema.x: the default 'bad' does not fit this field: ")
    assert lines[0].startswith("Error: apply() cannot be called as apply(inputs)")
    assert lines[1].startswith("vector_jacobian_product(inputs) cannot be called as ")
    assert lines[2] == (
        f"There is a function 'vector_jacobian_product', but OutputSchema {NOTHING}"
    )
    assert len(lines) == 3


def test_check_accepts_what_is_served(cli_here: Cli, tesseract: Tesseract) -> None:
    """A Tesseract without faults ends with 0, and what it does not serve has its reason."""
    source = SCHEMAS + APPLY + "def jacobian(inputs, jac_inputs, jac_outputs): ...\n"
    ended = cli_here("--api-path", str(tesseract(source)), "check")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == "tesseract_api.py is a valid Tesseract."
    assert "  jacobian: served by native" in lines
    (missing,) = (line for line in lines if line.startswith("  abstract_eval: "))
    assert missing.startswith(
        "  abstract_eval: not served: tesseract_api.py does not define a function 'abstract_eval'."
    )
