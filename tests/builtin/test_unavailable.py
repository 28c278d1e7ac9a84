"""Gradients and abstract evaluation where a file does not have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core.errors import InvalidTesseract, UnknownName, listed
from tests.builtin.conftest import GRADIENTS, HEADER, JACOBIAN, Make, ask
from tests.conftest import DOUBLE, Cli
from tests.server.conftest import serving

OPTIONAL = (*GRADIENTS, "abstract_eval")


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no rule of this module is about another."""
    return cli_here


@pytest.mark.parametrize("endpoint", OPTIONAL)
def test_an_endpoint_that_is_not_defined_is_refused(endpoint: str, runtime: Make) -> None:
    """The reason is the function that the file lacks."""
    with pytest.raises(UnknownName) as caught:
        runtime().call(endpoint, {})
    told = str(caught.value)
    assert told.startswith(
        f"Endpoint {endpoint!r} is not available: tesseract_api.py does not define a function "
        f"{endpoint!r}."
    )


@pytest.mark.parametrize("endpoint", GRADIENTS)
def test_a_gradient_that_is_not_defined_may_come_from_others(endpoint: str, runtime: Make) -> None:
    """The message ends with the backends that could be chosen instead."""
    made = runtime()
    with pytest.raises(UnknownName) as caught:
        made.call(endpoint, {})
    others = listed({"auto", *made.catalog.gradient_backends.names} - {"native"})
    assert str(caught.value).endswith(f" Others can be chosen with --gradient-backend: {others}.")


def test_shapes_that_are_not_defined_come_from_nobody_else(runtime: Make) -> None:
    """Only gradients are chosen by that option; the reason says what was tried."""
    with pytest.raises(UnknownName) as caught:
        runtime().call("abstract_eval", {})
    assert str(caught.value).endswith(
        "does not define a function 'abstract_eval'. It cannot be derived: y is not of a fixed "
        "shape in the schema, and InputSchema has no examples (Field(examples=[...])) at which "
        "apply could be evaluated."
    )


def test_a_misspelled_function_is_suggested(runtime: Make) -> None:
    """A function with nearly the right name is suggested."""
    source = DOUBLE + "def vector_jacobian_prodct(**named): ...\n"
    with pytest.raises(UnknownName, match=r"Did you mean 'vector_jacobian_prodct'\?"):
        runtime(source).call("vector_jacobian_product", {})


def test_an_endpoint_that_is_not_defined_is_404(tmp_path: Path) -> None:
    """Over HTTP the reason is the detail of the answer."""
    path = tmp_path / "tesseract_api.py"
    path.write_text(DOUBLE, encoding="utf-8")
    with serving(path) as served:
        answers = {name: served.request("POST", f"/{name}", "{}") for name in OPTIONAL}
    for name, answer in answers.items():
        assert answer.status == 404
        assert f"does not define a function {name!r}" in answer.json()["detail"]


def test_a_command_that_is_not_defined_is_a_wrong_call(
    cli: Cli, tesseract: Callable[..., Path]
) -> None:
    """On the command line the exit code is 2 and the reason is on stderr."""
    ended = cli("--api-path", str(tesseract()), "vector-jacobian-product", '{"inputs": {}}')
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "does not define a function 'vector_jacobian_product'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gradient_on_the_command_line(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """The command of an endpoint has dashes; its answer is all of stdout."""
    source = DOUBLE + (
        "def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):\n"
        "    return {'y': 2 * tangent_vector['x']}\n"
    )
    payload = (
        '{"inputs": {"x": [1, 2]}, "jvp_inputs": ["x"], "jvp_outputs": ["y"],'
        ' "tangent_vector": {"x": [1, 0.5]}}'
    )
    ended = cli("--api-path", str(tesseract(source)), "jacobian-vector-product", payload)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        '{"y":{"object_type":"array","shape":[2],"dtype":"float64",'
        '"data":{"buffer":[2.0,1.0],"encoding":"json"}}}\n'
    )


@pytest.mark.parametrize("endpoint", GRADIENTS)
@pytest.mark.parametrize("side", ["InputSchema", "OutputSchema"])
def test_a_gradient_of_nothing_is_refused_at_load(endpoint: str, side: str, runtime: Make) -> None:
    """A gradient function without anything differentiable names the schema that lacks it."""
    fields = {"InputSchema": "x", "OutputSchema": "y"}
    array = dict.fromkeys(fields, "Differentiable[Float64]") | {side: "Float64"}
    source = HEADER + "".join(
        f"class {name}(BaseModel):\n    {field}: {array[name]}\n" for name, field in fields.items()
    )
    made = runtime(source + f"def apply(inputs): ...\ndef {endpoint}(**named): ...\n")
    with pytest.raises(InvalidTesseract) as caught:
        made.call(endpoint, ask(endpoint, {"x": 1.0}))
    assert str(caught.value) == (
        f"There is a function {endpoint!r}, but {side} has nothing differentiable: mark an array "
        "as Differentiable[...]."
    )


def test_apply_works_beside_a_gradient_of_nothing(runtime: Make) -> None:
    """A fault of one endpoint is reported when that endpoint is called."""
    source = HEADER + (
        "class InputSchema(BaseModel):\n    x: int\n"
        "class OutputSchema(BaseModel):\n    y: int\n"
        "def apply(inputs):\n    return {'y': inputs.x}\n"
        "def jacobian(inputs, jac_inputs, jac_outputs): ...\n"
    )
    made = runtime(source)
    assert made.call("apply", {"inputs": {"x": 3}}).model_dump() == {"y": 3}
    with pytest.raises(InvalidTesseract):
        made.bound(JACOBIAN)
