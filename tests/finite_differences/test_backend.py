"""The backend `finite-differences`: gradients of a Tesseract that defines only `apply`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from runtime_core.contracts import Unavailable
from runtime_core.description import describe
from runtime_core.errors import FaultKind
from runtime_core.gradients.opened_backends import OpenedBackends
from tests.builtin.conftest import (
    GRADIENTS,
    HEADER,
    JACOBIAN,
    JVP,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    times_applied,
)

CUBES = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(3,), Float64]]
    scales: dict[str, Differentiable[Float32]] = {"a": 2.0}
    note: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Array[(3,), Float64]]
    total: Differentiable[Float64]

def apply(inputs: InputSchema) -> OutputSchema:
    APPLIED.append(inputs)
    y = inputs.scales["a"] * inputs.x**3
    return OutputSchema(y=y, total=y.sum())
"""
)
"""A Tesseract without any gradient."""

INPUTS = {"x": [1.0, 2.0, 3.0]}
SLOPES = [6.0, 24.0, 54.0]

every_gradient = pytest.mark.parametrize("endpoint", GRADIENTS)


def served(runtime: Make, source: str = CUBES, **options: Any) -> Runtime:
    """Load a Tesseract that is differentiated by finite differences, with options."""
    flags = {f"finite_differences_{option}": value for option, value in options.items()}
    return runtime(source, gradient_backend="finite-differences", **flags)


def question(endpoint: str, inputs: Any = None, **changes: Any) -> dict[str, Any]:
    """Make a payload for y by x at some inputs."""
    vector = {JVP: {"x": [1.0, 1.0, 1.0]}, VJP: {"y": [1.0, 1.0, 1.0]}}.get(endpoint)
    return ask(endpoint, inputs or INPUTS, **{"vector": vector, **changes})


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (JACOBIAN, {"y": {"x": np.diag(SLOPES)}}),
        (JVP, {"y": SLOPES}),
        (VJP, {"x": SLOPES}),
    ],
)
def test_a_tesseract_with_apply_alone_has_gradients(
    endpoint: str, expected: dict[str, Any], runtime: Make
) -> None:
    """The steps of the backend are scaled, and its results right."""
    found = numbers(answer(served(runtime), endpoint, question(endpoint)))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        block, wanted = (
            (found[key]["x"], value["x"]) if endpoint == JACOBIAN else (found[key], value)
        )
        np.testing.assert_allclose(block, wanted, rtol=1e-7)


def test_gradients_are_described(runtime: Make) -> None:
    """All three are served, with the name of the backend and a text for their help."""
    made = served(runtime)
    backends = {endpoint.name: endpoint.backend for endpoint in describe(made).endpoints}
    assert {backends[endpoint] for endpoint in GRADIENTS} == {"finite-differences"}
    assert {made.bound(endpoint).doc != "" for endpoint in GRADIENTS} == {True}


def test_functions_of_the_author_are_not_used(runtime: Make) -> None:
    """Requested finite differences replace the author's gradients, for comparison."""
    source = CUBES + "def jacobian(inputs, jac_inputs, jac_outputs):\n    1 / 0\n"
    assert answer(served(runtime, source), JACOBIAN, question(JACOBIAN))


def test_paths_lead_into_dicts(runtime: Make) -> None:
    """Any differentiable arrays can be requested together."""
    payload = ask(JACOBIAN, INPUTS, of=("y", "total"), by=("scales.{a}", "x"))
    found = answer(served(runtime), JACOBIAN, payload)
    block = found["y"]["scales.{a}"]
    assert (block["shape"], block["dtype"]) == ([3], "float64")
    np.testing.assert_allclose(block["data"]["buffer"], [1, 8, 27], rtol=1e-3)
    np.testing.assert_allclose(numbers(found["total"]["x"]), SLOPES, rtol=1e-7)
    assert found["total"]["scales.{a}"]["shape"] == []


@pytest.mark.parametrize(
    ("endpoint", "options", "count"),
    [
        (JACOBIAN, {}, 6),
        (JACOBIAN, {"algorithm": "forward"}, 4),
        (JACOBIAN, {"algorithm": "stochastic"}, 6),
        (JACOBIAN, {"algorithm": "stochastic", "num_samples": "2"}, 4),
        (JVP, {}, 2),
        (JVP, {"algorithm": "forward"}, 2),
        (VJP, {}, 6),
        (VJP, {"algorithm": "forward"}, 4),
        (VJP, {"algorithm": "stochastic", "num_samples": "2"}, 4),
    ],
)
def test_apply_is_called_as_often_as_by_the_functions(
    endpoint: str, options: dict[str, Any], count: int, runtime: Make
) -> None:
    """Declared shapes of outputs take no further evaluation."""
    made = served(runtime, **options)
    answer(made, endpoint, question(endpoint))
    assert times_applied(made) == count


def test_apply_gets_the_authors_model(runtime: Make) -> None:
    """The inputs of an evaluation are an instance of the author's class, complete."""
    made = served(runtime)
    answer(made, JACOBIAN, question(JACOBIAN, {**INPUTS, "note": "fine"}))
    applied = made.api.module.APPLIED
    assert all(isinstance(inputs, made.api.input_schema) for inputs in applied)
    assert {inputs.note for inputs in applied} == {"fine"}


def test_a_seed_gives_the_same_answer_again(runtime: Make) -> None:
    """The option makes estimates reproducible."""
    options = {"algorithm": "stochastic", "num_samples": "2"}
    first, second, other = (
        answer(served(runtime, **options, seed=seed), JACOBIAN, question(JACOBIAN))
        for seed in ("1", "1", "2")
    )
    assert first == second != other


def test_steps_by_path(runtime: Make) -> None:
    """The option may have one step for each input."""
    made = served(runtime, eps="x=0.5,scales.{a}=auto")
    answer(made, JACOBIAN, question(JACOBIAN, by=("x", "scales.{a}")))
    moves = [inputs.x[0] - 1 for inputs in made.api.module.APPLIED]
    assert (max(moves), min(moves)) == (0.5, -0.5)


def test_an_input_without_a_step_is_told(runtime: Make) -> None:
    """The message names the input that the option lacks."""
    wrong = fault(served(runtime, eps="z=0.5"), JACOBIAN, question(JACOBIAN))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert wrong.message == "eps has no step for 'x'. It has: z."


@pytest.mark.parametrize("endpoint", ["abstract_eval", "apply", "no_such_endpoint"])
def test_nothing_else_is_computed(endpoint: str, runtime: Make) -> None:
    """Other endpoints are refused with a reason."""
    made = served(runtime)
    opened = OpenedBackends(binding=made, catalog=made.catalog)
    found = opened.provided("finite-differences", endpoint)
    assert isinstance(found, Unavailable)
    assert endpoint in found.reason


FRAGILE = CUBES.replace(
    "    y = inputs",
    "    if inputs.x[1] > 2:\n        raise ValueError('no mesh')\n    y = inputs",
)
"""A Tesseract that fails where the second element is above 2."""


def test_a_failure_beside_the_inputs_is_the_tesseracts(runtime: Make) -> None:
    """It is a 500 whose message has path and index, with the author's traceback."""
    wrong = fault(served(runtime, FRAGILE, eps="0.5"), JACOBIAN, question(JACOBIAN))
    assert (wrong.kind, wrong.kind.status, wrong.kind.exit_code) == (
        FaultKind.TESSERACT_FAILED,
        500,
        1,
    )
    assert wrong.message.startswith(
        "apply failed where input 'x' at index (1,) is changed from 2.0 to 2.5: ValueError: no mesh"
        " (/"
    )
    assert wrong.message.endswith(" in apply)")
    assert "tesseract_api.py" in wrong.trace
    assert "raise ValueError('no mesh')" in wrong.trace
    assert wrong.trace.endswith("ValueError: no mesh")


@pytest.mark.parametrize("endpoint", [JVP, VJP])
def test_a_failure_of_a_product_is_the_tesseracts(endpoint: str, runtime: Make) -> None:
    """The same is true of the products."""
    wrong = fault(served(runtime, FRAGILE), endpoint, question(endpoint))
    assert wrong.message.startswith("apply failed where ")
    assert "raise ValueError('no mesh')" in wrong.trace


def test_a_tesseract_that_ends_the_process_does_not(runtime: Make) -> None:
    """sys.exit in an evaluation is a failure like others."""
    source = FRAGILE.replace("ValueError('no mesh')", "SystemExit(3)")
    assert "SystemExit: 3" in fault(served(runtime, source), JACOBIAN, question(JACOBIAN)).message


def test_a_failure_inside_of_an_authors_jacobian_has_its_traceback(runtime: Make) -> None:
    """A file that calls the function itself gets the same message."""
    source = FRAGILE + (
        "from tesseract_core.runtime.experimental import finite_difference_jacobian\n"
        "def jacobian(inputs, jac_inputs, jac_outputs):\n"
        "    return finite_difference_jacobian(apply, inputs, jac_inputs, jac_outputs, eps=0.5)\n"
    )
    wrong = fault(runtime(source), JACOBIAN, question(JACOBIAN))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert "'x' at index (1,) is changed from 2.0 to 2.5: ValueError: no mesh" in wrong.message
    assert "raise ValueError('no mesh')" in wrong.trace


def test_outputs_that_do_not_fit_their_schema_are_told(runtime: Make) -> None:
    """Outputs near the inputs are validated like results."""
    source = CUBES.replace("y=y, total", "y=y if inputs.x[2] == 3 else y[:2], total").replace(
        "return OutputSchema", "return dict"
    )
    message = fault(served(runtime, source), JACOBIAN, question(JACOBIAN)).message
    assert "where input 'x' at index (2,) is changed from 3.0 to " in message
    assert "Array shape (2,) is incompatible with expected shape (3,)" in message


def test_values_that_are_not_finite_are_told(runtime: Make) -> None:
    """NaN near the inputs is an error with its place, not a null in the result."""
    source = CUBES.replace("inputs.x**3", "np.where(inputs.x > 3, np.nan, inputs.x**3)")
    wrong = fault(served(runtime, source), JACOBIAN, question(JACOBIAN))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert wrong.message.startswith(
        "apply returns nan for output 'y' at index (2,) where input 'x' at index (2,) "
    )


@every_gradient
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_inputs_of_other_numbers_are_told(endpoint: str, dtype: str, runtime: Make) -> None:
    """A schema may mark integers as differentiable, but they have no small steps."""
    source = CUBES.replace(
        "x: Differentiable[Array[(3,), Float64]]", f"x: Differentiable[Array[(3,), {dtype!r}]]"
    )
    inputs = {"x": [True, True, False]} if dtype == "bool" else {"x": [1, 2, 3]}
    vector = {"x": inputs["x"]} if endpoint == JVP else {"y": [1.0, 1.0, 1.0]}
    wrong = fault(served(runtime, source), endpoint, ask(endpoint, inputs, vector=vector))
    assert wrong.message == (
        f"Input 'x' has the data type {dtype}: finite differences need real floating point."
    )


def test_a_shape_that_depends_on_values_is_told(runtime: Make) -> None:
    """Outputs of free size must have the same one everywhere."""
    source = CUBES.replace("y: Differentiable[Array[(3,)", "y: Differentiable[Array[(None,)")
    source = source.replace("y=y,", "y=y[inputs.x < 3],")
    wrong = fault(served(runtime, source), JACOBIAN, question(JACOBIAN))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert "the shape of an output must not depend on a value" in wrong.message


@pytest.mark.parametrize("index", [0, 2])
def test_a_shape_that_depends_on_one_element_is_told(index: int, runtime: Make) -> None:
    """It may also be the same on both sides of one element and differ for another."""
    source = CUBES.replace("y: Differentiable[Array[(3,)", "y: Differentiable[Array[(None,)")
    source = source.replace("y=y,", f"y=y if inputs.x[{index}] == {index + 1} else y[:2],")
    wrong = fault(served(runtime, source), JACOBIAN, question(JACOBIAN))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert "could not be broadcast" not in wrong.message
    assert "shape" in wrong.message


def test_an_output_that_is_not_there_is_told(runtime: Make) -> None:
    """The message names the path that apply does not return."""
    source = CUBES.replace("total: Differentiable[Float64]", "sums: list[Differentiable[Float64]]")
    source = source.replace("total=y.sum()", "sums=[y.sum()]")
    wrong = fault(served(runtime, source), JACOBIAN, question(JACOBIAN, of=("sums.[1]",)))
    assert wrong.kind is FaultKind.TESSERACT_FAILED
    assert "'sums.[1]'" in wrong.message


def test_outputs_may_be_complex(runtime: Make) -> None:
    """Complex outputs have complex blocks, of their data type."""
    source = CUBES.replace(
        "y: Differentiable[Array[(3,), Float64]]", "y: Differentiable[Array[(3,), 'complex128']]"
    ).replace("y=y, total=y.sum()", "y=1j * inputs.x, total=0.0")
    block = answer(served(runtime, source), JACOBIAN, question(JACOBIAN))["y"]["x"]
    assert block["dtype"] == "complex128"
    found = np.array(block["data"]["buffer"]).astype(np.complex128)
    np.testing.assert_allclose(found, 1j * np.eye(3), atol=1e-9)
