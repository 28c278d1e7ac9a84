"""The check: its evaluations, samples, results and failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import AuthorError, GradientFailed, InvalidOption, UnknownName
from tesseract_runtime_workbench.check_gradients.check_results import GradientCheck
from tesseract_runtime_workbench.check_gradients.report import report
from tests.workbench.check_gradients.conftest import (
    HEADER,
    HVP,
    JACOBIAN,
    JVP,
    VJP,
    Make,
    Model,
    checked,
    failed,
)

ANY = """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
"""

SQUARES = (
    HEADER
    + ANY
    + """
FACTOR = [1.0]

def apply(inputs):
    APPLIED.append(inputs.x)
    return {"y": inputs.x**2}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    return {"y": FACTOR[0] * 2 * inputs.x * tangent_vector["x"]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"x": FACTOR[0] * 2 * inputs.x * cotangent_vector["y"]}
"""
)
"""Each output is the square of its input; FACTOR spoils both products alike."""


def of_one_jacobian(apply: str, jacobian: str, schemas: str = ANY) -> str:
    """Return the source of a Tesseract with x, y and its Jacobian, as expressions of inputs."""
    return (
        f"{HEADER}{schemas}"
        f"def apply(inputs):\n    return {{'y': {apply}}}\n"
        "def jacobian(inputs, jac_inputs, jac_outputs):\n"
        f"    return {{'y': {{'x': {jacobian}}}}}\n"
    )


def times_applied(model: Model) -> int:
    """Return the number of calls of `apply`."""
    return len(model.runtime.api.module.APPLIED)


def test_two_evaluations_serve_all_endpoints_and_outputs(runtime: Make) -> None:
    """Each input element is moved up and down once, after one evaluation at the inputs."""
    model = Model("nested", runtime)
    result = model.check()
    assert times_applied(model) == 1 + 2 * 5
    assert [check.checks for check in result.endpoints.values()] == [5 * 3] * 3


def test_evaluations_are_limited_for_each_input(runtime: Make) -> None:
    """A sample of the elements of an input is moved when there are too many."""
    model = Model("not square", runtime)
    result = model.check(max_evals=5)
    assert times_applied(model) == 1 + 4
    for check in result.endpoints.values():
        [comparison] = check.results
        assert len(set(comparison.reference.columns.ravel().tolist())) == 2


def test_a_seed_repeats_its_samples(runtime: Make) -> None:
    """The same elements are drawn for one seed, and others for another."""
    made = runtime(SQUARES)
    inputs = {"x": np.arange(1.0, 101.0)}

    def drawn(seed: int | None) -> list[int]:
        result = checked(made, inputs, seed=seed, max_evals=20, endpoints=[JVP])
        return columns(result)

    def columns(result: GradientCheck) -> list[int]:
        [comparison] = result.endpoints[JVP].results
        return sorted({int(column) for column in comparison.reference.columns.ravel()})

    assert drawn(1) == drawn(1) != drawn(2)
    random = checked(made, inputs, seed=None, max_evals=20)
    assert drawn(random.seed) == columns(random)


@pytest.mark.parametrize("seed", range(20))
def test_samples_of_a_sparse_jacobian_are_not_all_zeros(seed: int, runtime: Make) -> None:
    """If few outputs depend on an input, these are compared."""
    made = runtime(SQUARES)
    inputs = {"x": np.arange(1.0, 1001.0)}
    assert checked(made, inputs, seed=seed, max_evals=10, eps=1e-2).passed
    made.api.module.FACTOR[0] = 1.5
    result = checked(made, inputs, seed=seed, max_evals=10, eps=1e-2)
    assert all(found > 0 for found in failed(result).values())
    assert result.dot_product is not None
    assert result.dot_product.failed == 0


def test_only_what_is_asked_for_is_checked(runtime: Make) -> None:
    """Endpoints, inputs and outputs can be selected."""
    model = Model("nested", runtime)
    result = model.check(endpoints=[VJP], input_paths=["layers.[1].w"], output_paths=["t"])
    [(endpoint, check)] = result.endpoints.items()
    [comparison] = check.results
    assert (endpoint, comparison.pair) == (VJP, "layers.[1].w -> t")
    assert (check.checks, times_applied(model), result.dot_product) == (2, 5, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"endpoints": ["jacobain"]},
            "'jacobain' is not a gradient endpoint. Did you mean 'jacobian'? Valid: "
            "hessian_vector_product, jacobian, jacobian_vector_product, vector_jacobian_product.",
        ),
        (
            {"input_paths": ["x", "layers.[2].w"]},
            "The inputs have no differentiable array at 'x'. Valid: layers.[0].w, layers.[1].w, "
            "named.{a.b}.",
        ),
        (
            {"output_paths": ["tt"]},
            "The outputs have no differentiable array at 'tt'. Did you mean 't'? Valid: "
            "results.{r}.y, t.",
        ),
        (
            {"eps_for": {"layers.[2].w": 0.1}},
            "The inputs have no differentiable array at 'layers.[2].w'. Did you mean "
            "'layers.[1].w'? Valid: layers.[0].w, layers.[1].w, named.{a.b}.",
        ),
    ],
)
def test_unknown_names_are_told_with_the_valid_ones(
    settings: dict[str, Any], message: str, runtime: Make
) -> None:
    """A slip in the name of an endpoint or path ends the check before anything is compared."""
    with pytest.raises(UnknownName) as caught:
        Model("nested", runtime).check(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps": 0.0}, "--eps cannot be 0.0: it must be a number above 0."),
        ({"eps": float("nan")}, "--eps cannot be nan: it must be a number above 0."),
        (
            {"eps_for": {"x": -1.0}},
            "--eps-for cannot be x=-1: it must be PATH=VALUE with a number above 0.",
        ),
        ({"rtol": -0.1}, "--rtol cannot be -0.1: it must be a number from 0."),
        (
            {"max_evals": 1},
            "--max-evals cannot be 1: it must be at least 2, the evaluations that one difference "
            "takes.",
        ),
    ],
)
def test_impossible_settings_are_refused(
    settings: dict[str, Any], message: str, runtime: Make
) -> None:
    """The message names the flag and its limit."""
    with pytest.raises(InvalidOption) as caught:
        Model("square", runtime).check(**settings)
    assert str(caught.value) == message


def test_a_file_without_gradients_cannot_be_checked(runtime: Make) -> None:
    """The message has the reason of each."""
    with pytest.raises(UnknownName) as caught:
        checked(runtime(), {"x": [1.0]})
    first, *reasons = str(caught.value).splitlines()
    assert first == "There are no gradients to check."
    assert [reason.partition(":")[0].strip() for reason in reasons] == [
        JACOBIAN,
        JVP,
        VJP,
        HVP,
    ]


def test_an_endpoint_that_is_missing_cannot_be_asked_for(runtime: Make) -> None:
    """By name it is an error with the reason; otherwise it is skipped."""
    made = runtime(SQUARES)
    with pytest.raises(UnknownName, match="'jacobian' is not available: "):
        checked(made, {"x": [1.0]}, endpoints=[JACOBIAN])
    assert list(failed(checked(made, {"x": [1.0]}))) == [JVP, VJP]


def test_gradients_of_a_chosen_backend_are_checked(runtime: Make) -> None:
    """Derived gradients are served, so they are checked like the author's own."""
    made = runtime(SQUARES, gradient_backend="auto")
    assert failed(checked(made, {"x": [1.0, 2.0]})) == {JACOBIAN: 0, JVP: 0, VJP: 0}


def test_inputs_without_elements_have_nothing_to_check(runtime: Make) -> None:
    """Empty arrays are skipped, and a check of nothing else is refused."""
    with pytest.raises(UnknownName, match="The inputs have no differentiable array with elements"):
        checked(runtime(SQUARES), {"x": []})


def test_a_step_of_its_own_for_an_input(runtime: Make) -> None:
    """A large number in single precision needs a larger step than the others."""
    model = Model("scalars", runtime)
    inputs = {"x": [1.0, 2.0, 3.0], "s": 1e5}
    with pytest.raises(InvalidOption) as caught:
        checked(model.runtime, inputs)
    assert str(caught.value) == (
        "The step 0.0001 is lost in float32: input s is 100000.0, and its neighbours are further "
        "away. Name a larger step with --eps-for 's=500'."
    )
    assert checked(model.runtime, inputs, eps_for={"s": 500.0}).passed


@pytest.mark.parametrize("value", ["np.nan", "np.inf"])
def test_a_gradient_that_is_not_finite_fails(value: str, runtime: Make) -> None:
    """The failure names the element."""
    made = runtime(of_one_jacobian("inputs.x**2", f"np.diag([2.0, {value}])"))
    [_, failure, *_] = report(checked(made, {"x": [1.0, 2.0]}), 10)
    assert failure.startswith(f"  x[1] -> y[1]: gradient {value.removeprefix('np.')}, ")


def test_a_difference_that_is_not_finite_fails(runtime: Make) -> None:
    """At the edge of its domain the derivative of a function cannot be confirmed."""
    made = runtime(of_one_jacobian("np.sqrt(inputs.x - 1)", "np.diag([0.5, 0.0])"))
    with np.errstate(invalid="ignore"):
        [_, failure, *_] = report(checked(made, {"x": [2.0, 1.0]}), 10)
    assert failure == "  x[1] -> y[1]: gradient 0, finite difference nan"


@pytest.mark.parametrize(("slope", "passed"), [(0.0, True), (1.0, True), (1.5, False)])
def test_at_a_kink_every_slope_between_both_sides_passes(
    slope: float, passed: bool, runtime: Make
) -> None:
    """Every subgradient passes."""
    made = runtime(of_one_jacobian("np.maximum(inputs.x, 0.0)", f"np.diag([{slope}])"))
    assert checked(made, {"x": [0.0]}).passed is passed


def test_noise_is_not_taken_for_a_derivative(runtime: Make) -> None:
    """A solver that stops early does not make zeros of the Jacobian fail."""
    made = runtime(
        of_one_jacobian("np.cumsum(inputs.x) + 1e-7 * NOISE.normal(size=8)", "np.tri(8)").replace(
            "APPLIED = []", "NOISE = np.random.default_rng(0)"
        )
    )
    for seed in range(20):
        assert checked(made, {"x": np.ones(8)}, seed=seed).passed


def test_a_single_number_is_judged_by_the_noise_beside_it(runtime: Make) -> None:
    """The noise of a single difference is unknown; those of an array in the same check show it."""
    made = runtime(
        HEADER.replace("APPLIED = []", "NOISE = np.random.default_rng(0)")
        + ANY.replace("class OutputSchema", "    s: Differentiable[Float64]\n\nclass OutputSchema")
        + """
def apply(inputs):
    return {"y": np.cumsum(inputs.x) + 1e-7 * NOISE.normal(size=8)}

def jacobian(inputs, jac_inputs, jac_outputs):
    return {"y": {"x": np.tri(8), "s": np.zeros(8)}}
"""
    )
    results = [checked(made, {"x": np.ones(8), "s": 1.0}, seed=seed) for seed in range(20)]
    by_array, by_number = (
        [result.endpoints[JACOBIAN].results[position].failed for result in results]
        for position in (0, 1)
    )
    assert sum(by_array) == 0
    assert sum(by_number) < 0.1 * 20 * 8


def test_complex_numbers_are_compared_as_such(runtime: Make) -> None:
    """The derivative of a holomorphic function passes, and its conjugate fails."""
    schemas = ANY.replace("Float64", "Complex128")
    right = "np.diag(1j * np.exp(1j * inputs.x))"
    made = runtime(of_one_jacobian("np.exp(1j * inputs.x)", right, schemas))
    inputs = {"x": np.array([1 + 2j, 0.5j])}
    assert checked(made, inputs).passed
    wrong = runtime(of_one_jacobian("np.exp(1j * inputs.x)", f"{right}.conj()", schemas))
    assert failed(checked(wrong, inputs)) == {JACOBIAN: 2}


def test_derivatives_that_are_lost_in_rounding_are_reported(runtime: Make) -> None:
    """A check without significance says so."""
    schemas = ANY.replace("Float64", "Float32")
    made = runtime(of_one_jacobian("1e6 + inputs.x", "np.eye(1)", schemas))
    [comparison] = checked(made, {"x": [1.0]}).endpoints[JACOBIAN].results
    [sharper] = checked(made, {"x": [1.0]}, eps=100.0).endpoints[JACOBIAN].results
    assert (comparison.below_noise, sharper.below_noise) == (True, False)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (
            "{'y': {'x': np.ones(3)}}",
            "jacobian of 'y' by 'x' returned an array of shape (3,), expected (None, 1).",
        ),
    ],
)
def test_an_endpoint_that_fails_is_one_failure(answer: str, fault: str, runtime: Make) -> None:
    """Its message is kept, and the other endpoints are still checked."""
    source = SQUARES + f"def jacobian(**named):\n    return {answer}\n"
    result = checked(runtime(source), {"x": [1.0]})
    first = result.endpoints[JACOBIAN]
    assert (first.fault, first.failed, first.checks) == (fault, 1, 1)
    assert failed(result) == {JACOBIAN: 1, JVP: 0, VJP: 0}
    assert not result.passed


def test_results_of_an_endpoint_before_it_failed_are_kept(runtime: Make) -> None:
    """Compared derivatives count in addition to the fault, which ends the check of the endpoint."""
    source = SQUARES + (
        "def jacobian_vector_product(tangent_vector, inputs, **named):\n"
        "    assert tangent_vector['x'][2] == 0, 'the third is missing'\n"
        "    return {'y': 2 * inputs.x * tangent_vector['x']}\n"
    )
    result = checked(runtime(source), {"x": [1.0, 2.0, 3.0, 4.0]})
    check = result.endpoints[JVP]
    assert (check.checks, check.failed) == (2 * 4 + 1, 1)
    assert check.fault == "AssertionError: the third is missing"
    assert result.dot_product is None


def test_apply_that_fails_near_the_inputs_is_reported(runtime: Make) -> None:
    """The message names the element and its value."""
    made = runtime(of_one_jacobian("[math.log(inputs.x[0])]", "[[1.0]]") + "import math\n")
    with pytest.raises(GradientFailed) as caught:
        checked(made, {"x": [1.0]}, eps=1.0)
    assert str(caught.value).startswith("apply failed when x[0] is 0.0: ValueError: ")
    assert str(caught.value).endswith("Choose other inputs, or another step with --eps-for.")


def test_apply_that_fails_at_the_inputs_is_the_authors_error(runtime: Make) -> None:
    """A failure at the inputs ends the check."""
    made = runtime(of_one_jacobian("1 / 0", "[[1.0]]"))
    with pytest.raises(AuthorError) as caught:
        checked(made, {"x": [1.0]})
    assert isinstance(caught.value.cause, ZeroDivisionError)


def test_outputs_that_change_their_shape_have_no_difference(runtime: Make) -> None:
    """The message names the output, both shapes and the element that was moved."""
    made = runtime(of_one_jacobian("np.ones(2 if inputs.x[0] > 1 else 3)", "np.zeros((3, 1))"))
    with pytest.raises(GradientFailed) as caught:
        checked(made, {"x": [1.0]})
    assert str(caught.value) == (
        "Output 'y' has the shape (2,) when x[0] is 1.0001, and (3,) at the inputs themselves: "
        "no difference can be taken."
    )


def spoiling(name: str) -> str:
    """Return the source of squares whose functions change all their arguments."""
    return (
        SQUARES
        + f"""
SHARED = np.zeros(3)
own = {name}

def {name}(*arguments, **named):
    answer = own(*arguments, **named)
    inputs = arguments[0] if arguments else named["inputs"]
    inputs.x[:] = np.nan
    for vector in (named.get("tangent_vector", {{}}), named.get("cotangent_vector", {{}})):
        for array in vector.values():
            array[:] = np.nan
    [(path, array)] = answer.items()
    SHARED[:] = array
    return {{path: SHARED}}
"""
    )


@pytest.mark.parametrize("name", ["apply", JVP, VJP])
def test_functions_may_change_their_arguments_and_use_buffers_again(
    name: str, runtime: Make
) -> None:
    """Every call gets its own arrays, and its result is read before the next."""
    result = checked(runtime(spoiling(name)), {"x": [1.0, 2.0, 3.0]})
    assert result.passed


def test_validators_run_once(runtime: Make) -> None:
    """Gradients and differences are computed at the same inputs."""
    source = SQUARES.replace(
        "class OutputSchema",
        "    @field_validator('x')\n    @classmethod\n    def shift(cls, x):\n"
        "        return 10 + x\n\nclass OutputSchema",
    ).replace("import BaseModel", "import BaseModel, field_validator")
    made = runtime(source)
    result: GradientCheck = checked(made, {"x": [1.0]})
    assert result.passed
    assert {float(x[0]) for x in made.api.module.APPLIED} == {11.0, 11.0001, 10.9999}


@pytest.mark.parametrize("factor", ["1", "(1 + np.arange(batch or 1))[:, np.newaxis]"])
def test_a_batch_has_to_agree_with_its_vectors(factor: str, runtime: Make) -> None:
    """A function that takes a batch gets the vectors together too, and the fault has the place."""
    source = SQUARES.replace("tangent_vector):", "tangent_vector, batch=None):").replace(
        'inputs.x * tangent_vector["x"]}',
        f'inputs.x * tangent_vector["x"] * (1 if batch is None else {factor})}}',
    )
    found = checked(runtime(source), {"x": [1.0, 2.0, 4.0]}).endpoints[JVP]
    if factor == "1":
        assert found.failed == 0
        return
    assert (found.failed, found.fault) == (
        1,
        "jacobian_vector_product of 'y' returned 8 at [1] for vector 1 of a batch of 3, and 4 for "
        "the same vector alone.",
    )


def test_apply_that_fails_at_one_point_leaves_that_out(runtime: Make) -> None:
    """The other elements are checked, and the message is kept."""
    source = of_one_jacobian("inputs.x**2 + (1 / 0 if inputs.x[1] > 2 else 0)", "2 * inputs.x")
    result = checked(
        runtime(source.replace("2 * inputs.x", "np.diag(2 * inputs.x)")), {"x": [1, 2, 3]}
    )
    assert (result.endpoints[JACOBIAN].checks, result.passed) == (6, True)
    [failure] = result.failures
    assert failure.startswith("apply failed when x[1] is 2.0001: ZeroDivisionError")
    assert any(
        line.startswith("1 point was left out, the first because") for line in report(result, 9)
    )


@pytest.mark.parametrize("backend", ["native", "finite-differences"])
def test_the_report_names_backends_and_warns_of_differences(backend: str, runtime: Make) -> None:
    """Differences against differences show no mistake."""
    made = runtime(SQUARES, gradient_backend=backend)
    text = "\n".join(report(checked(made, {"x": [1.0, 2.0]}), 9))
    assert (
        f"\nBackends: {'' if backend == 'native' else f'{JACOBIAN} by {backend}, '}{JVP} by "
        in text
    )
    assert f"{VJP} by {backend}.\n" in text
    assert ("Differences are checked against differences" in text) == (backend != "native")


HESSIAN = SQUARES.replace("inputs.x**2", "inputs.x**3").replace(
    "2 * inputs.x *", "3 * inputs.x**2 *"
) + (
    "def hessian_vector_product(\n"
    "    inputs, hvp_inputs, hvp_outputs, cotangent_vector, tangent_vector\n):\n"
    "    weights = 6 * inputs.x * cotangent_vector['y']\n"
    "    return {'x': MATRIX(weights) @ tangent_vector['x']}\n"
)
"""Cubes, with all products; `MATRIX` makes the Hessian of its diagonal."""

WRONG = {"MATRIX = np.diag": False, "MATRIX = lambda w: np.diag(0.9 * w)": True}


@pytest.mark.parametrize(("matrix", "is_wrong"), WRONG.items())
@pytest.mark.parametrize("taylor", [False, True])
def test_second_derivatives_are_checked(
    matrix: str, is_wrong: bool, taylor: bool, runtime: Make
) -> None:
    """The even remainder has the order 4 for a right Hessian, and less for a wrong one."""
    result = checked(runtime(f"{HESSIAN}{matrix}\n"), {"x": [1.0, 2.0, 0.5]}, taylor=taylor)
    assert (result.remainders[HVP].failed > 0) == is_wrong == (not result.passed)
    assert result.symmetry is not None
    assert result.symmetry.failed == 0


def test_a_hessian_that_is_not_symmetric_fails(runtime: Make) -> None:
    """Both dot products are shown."""
    source = f"{HESSIAN}MATRIX = lambda w: np.diag(w) + np.triu(np.ones((3, 3)), 1)\n"
    result = checked(runtime(source), {"x": [1.0, 2.0, 0.5]})
    assert result.symmetry is not None
    assert result.symmetry.failed == 5
    assert any(line.startswith("  <s, H t>: ") for line in report(result, 9))


@pytest.mark.parametrize(("factor", "word"), [("1", "passed"), ("0.999", "failed")])
def test_the_taylor_test_needs_no_step(factor: str, word: str, runtime: Make) -> None:
    """Products that are wrong by a thousandth have remainders of order 1, all inputs at once."""
    source = SQUARES.replace("FACTOR = [1.0]", f"FACTOR = [{factor}]")
    made = runtime(source)
    result = checked(made, {"x": [1e-8, 2e-8, -1e-8]}, taylor=True)
    assert (result.passed, result.endpoints) == (word == "passed", {})
    orders = [each.order for check in result.remainders.values() for each in check.results]
    assert orders == pytest.approx([2.0 if word == "passed" else 1.0] * 6, abs=0.2)
    text = "\n".join(report(result, 9))
    assert f"Gradient check for {JVP} {word}" in text
    assert text.count("  The remainder has the order ") == 6
    assert len(made.api.module.APPLIED) == 2 + 3 * 12  # one for the shape of cotangents


def test_the_taylor_test_passes_what_is_exact_and_goes_on_where_apply_fails(runtime: Make) -> None:
    """A linear function has no remainder; points at which `apply` raises are left out."""
    source = of_one_jacobian("2 * inputs.x + (1 / 0 if inputs.x[0] > 1.01 else 0)", "2 * np.eye(1)")
    result = checked(runtime(source), {"x": [1.0]}, taylor=True)
    assert result.passed
    assert [each.order for each in result.remainders[JACOBIAN].results] == [None] * 3
