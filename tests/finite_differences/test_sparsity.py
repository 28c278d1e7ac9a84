"""Sparse Jacobians: few evaluations, right entries, and patterns that are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.errors import GradientFailed, InvalidTesseract
from tesseract_runtime_finite_differences import finite_difference_jacobian, jacobian_from_jvp
from tesseract_runtime_finite_differences.colouring import colours_of
from tests.builtin.conftest import (
    HEADER,
    JACOBIAN,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    times_applied,
)
from tests.finite_differences.conftest import Noted, jacobian, vjp

BAND = {"y": {"x": "banded:1"}}


def diffusion(inputs: Any) -> Any:
    """Return a nonlinear function of each element and its two neighbours."""
    x = np.pad(inputs["x"], 1)
    return {"y": x[:-2] - 2 * x[1:-1] + x[2:] - np.exp(x[1:-1])}


def entries(matrix: Any) -> tuple[Any, Any]:
    """Return the rows and columns of the entries of a matrix."""
    rows, columns = np.nonzero(matrix)
    return rows, columns


def colours(matrix: Any) -> Any:
    """Return the colours of the columns of a matrix."""
    return colours_of(*entries(matrix), matrix.shape[1])


@given(st.integers(0, 12), st.integers(0, 12), st.data())
def test_columns_of_one_colour_share_no_row(rows: int, columns: int, data: st.DataObject) -> None:
    """In a row of any pattern, every entry has another colour."""
    bits = st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns)
    matrix = np.array(data.draw(bits), bool).reshape(rows, columns)
    found = colours(matrix)
    for row in matrix:
        assert len(set(found[row])) == row.sum()


@pytest.mark.parametrize("width", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [6, 11, 40])
def test_bands_take_as_many_colours_as_they_are_wide(width: int, size: int) -> None:
    """A tridiagonal matrix takes 3, one with K diagonals on each side 2K + 1."""
    rows, columns = np.indices((size, size))
    assert colours(abs(rows - columns) <= width).max() + 1 == min(2 * width + 1, size)


@pytest.mark.parametrize("size", [3, 10, 25])
def test_five_point_stencil_takes_at_most_seven_colours(size: int) -> None:
    """The pattern of a diffusion problem on a square grid."""
    line = abs(np.subtract.outer(np.arange(size), np.arange(size))) == 1
    one = np.eye(size, dtype=int)
    assert colours(np.kron(line, one) + np.kron(one, line) + np.kron(one, one)).max() < 7


@pytest.mark.parametrize(("algorithm", "count"), [("forward", 1 + 3), ("central", 1 + 6)])
@pytest.mark.parametrize("checked", [True, False])
def test_tridiagonal_takes_three_colours_of_any_size(
    algorithm: Any, count: int, checked: bool
) -> None:
    """It takes the base, the colours, and one evaluation that checks the pattern."""
    apply = Noted(diffusion)
    x = np.linspace(1, 2, 10_000)
    options = {"algorithm": algorithm, "eps": "auto", "sparsity": BAND}
    found = vjp(apply, x, np.ones(x.size), **options, sparsity_check=checked)
    np.testing.assert_allclose(found[1:-1], -np.exp(x)[1:-1], rtol=1e-5)
    assert apply.times == count + checked


@pytest.mark.parametrize("algorithm", ["forward", "central", "stochastic"])
@pytest.mark.parametrize("pattern", ["banded:1", "banded:7", "banded:99", "matrix"])
def test_jacobian_is_that_without_a_pattern(algorithm: Any, pattern: str) -> None:
    """Elements that the pattern has in excess are zero."""
    x = np.linspace(-1, 1, 12)
    if pattern == "matrix":
        sparse = pytest.importorskip("scipy.sparse")
        pattern = sparse.csr_array(abs(np.subtract.outer(np.arange(12), np.arange(12))) < 3)
    found = jacobian(diffusion, x, algorithm=algorithm, sparsity={"y": {"x": pattern}}, seed=1)
    np.testing.assert_allclose(found, jacobian(diffusion, x), atol=1e-3)


def test_blocks_without_a_pattern_are_full() -> None:
    """Of several inputs and outputs, those that have patterns share evaluations."""

    def function(inputs: Any) -> Any:
        apply.append(1)
        x, scale = inputs["x"], inputs["scale"]
        return {"y": scale * x**2, "z": x[::-1] * 1.5}

    apply: list[int] = []
    inputs = {"x": np.arange(1.0, 9.0).reshape(2, 4), "scale": np.float64(3.0)}
    rows_swapped = np.kron([[0, 1], [1, 0]], np.eye(4))
    z = pytest.importorskip("scipy.sparse").coo_array(rows_swapped)
    sparsity = {"y": {"x": "diagonal"}, "z": {"x": z}}
    arguments = (function, inputs, {"x", "scale"}, {"y", "z"})
    expected = finite_difference_jacobian(*arguments)
    apply.clear()
    found = finite_difference_jacobian(*arguments, sparsity=sparsity)
    for output, row in expected.items():
        for path, block in row.items():
            np.testing.assert_allclose(found[output][path], block, atol=1e-6)
    assert len(apply) == 1 + 2 * 1 + 2 * 1 + 1


def test_wrong_pattern_names_the_rows_that_disagree() -> None:
    """An entry that the pattern lacks is found by one evaluation."""

    def function(inputs: Any) -> Any:
        y = inputs["x"] ** 2
        y[7] += 3 * inputs["x"][2]
        return {"y": y}

    with pytest.raises(GradientFailed, match=r"1 of its 9 elements .*, at 7\. Add the missing"):
        jacobian(function, np.ones(9), sparsity={"y": {"x": "diagonal"}}, seed=1)
    jacobian(function, np.ones(9), sparsity={"y": {"x": "diagonal"}}, sparsity_check=False)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("banded", r"sparsity of 'y' by 'x' is 'banded': expected 'diagonal', 'banded:K' or"),
        (3, "is 3: expected"),
        (np.eye(3), "is array"),
    ],
)
def test_invalid_pattern_names_the_block(pattern: Any, message: str) -> None:
    """The message has the value and the choices."""
    with pytest.raises(GradientFailed, match=message):
        jacobian(diffusion, np.ones(9), sparsity={"y": {"x": pattern}})


def test_bands_are_square() -> None:
    """A band fits an output with as many elements as the input."""
    with pytest.raises(GradientFailed, match="has 1 elements and the input 9"):
        jacobian(lambda inputs: {"y": inputs["x"][:1]}, np.ones(9), sparsity=BAND)


def test_products_are_compressed_too() -> None:
    """A tridiagonal Jacobian takes three products, and one along a random direction."""
    calls = []

    def product(inputs: Any, tangent_vector: Any, **_: Any) -> Any:
        calls.append(1)
        x = np.pad(tangent_vector["x"], 1)
        return {"y": x[:-2] - 2 * x[1:-1] + x[2:]}

    arguments = (product, {"x": np.ones(20)}, {"x"}, {"y"})
    found = jacobian_from_jvp(*arguments, sparsity=BAND)["y"]["x"]
    assert len(calls) == 3 + 1
    np.testing.assert_array_equal(found, jacobian_from_jvp(*arguments)["y"]["x"])
    with pytest.raises(GradientFailed, match="20 of its 20 elements"):
        jacobian_from_jvp(*arguments, sparsity={"y": {"x": "diagonal"}})


SQUARES = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    APPLIED.append(inputs)
    return {"y": inputs.x**2}

jacobian_sparsity = {"y": {"x": "diagonal"}}
"""
)
"""A Tesseract with the sparsity of its Jacobian."""

PRODUCT = """
def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    SEEN.append(tangent_vector)
    return {"y": 2 * inputs.x * tangent_vector["x"]}
"""


def test_file_declares_the_sparsity(runtime: Make) -> None:
    """The backend of differences uses it for the Jacobian and its transposed products."""
    made = runtime(SQUARES, gradient_backend="finite-differences")
    inputs = {"x": [1.0, 2.0, 4.0]}
    found = numbers(answer(made, JACOBIAN, ask(JACOBIAN, inputs)))
    np.testing.assert_allclose(found["y"]["x"], np.diag([2.0, 4.0, 8.0]), rtol=1e-6)
    assert times_applied(made) == 1 + 2 + 1
    vector = {"y": [1.0, 1.0, 1.0]}
    found = numbers(answer(made, VJP, ask(VJP, inputs, vector=vector)))
    np.testing.assert_allclose(found["x"], [2.0, 4.0, 8.0], rtol=1e-6)


def test_derived_jacobian_uses_the_sparsity(runtime: Make) -> None:
    """It takes a product for each colour, and one that checks the pattern."""
    made = runtime(SQUARES + PRODUCT, gradient_backend="auto")
    found = numbers(answer(made, JACOBIAN, ask(JACOBIAN, {"x": [1.0, 2.0, 4.0]})))
    np.testing.assert_array_equal(found["y"]["x"], np.diag([2.0, 4.0, 8.0]))
    assert len(made.api.module.SEEN) == 1 + 1


def test_large_answers_are_refused(runtime: Make) -> None:
    """The answer is dense: the message has its bytes, before the colours are evaluated."""
    made = runtime(SQUARES, gradient_backend="finite-differences", memory_limit=10**5)
    refused = fault(made, JACOBIAN, ask(JACOBIAN, {"x": [1.0] * 200}))
    assert refused.message.startswith("The Jacobian takes 320000 bytes, more than the 100000 bytes")
    assert times_applied(made) == 1


@pytest.mark.parametrize(
    ("sparsity", "message"),
    [
        ("'diagonal'", "jacobian_sparsity of tesseract_api.py is 'diagonal': expected {output:"),
        ("{'y': {'X': 'diagonal'}}", "names 'X', which is not the path of a differentiable array"),
        ("{'y': 'diagonal'}", "expected {output: {input: pattern}}"),
        ("{'y': {'x': 'banded'}}", "for 'y' by 'x' is 'banded': expected 'diagonal', 'banded:K'"),
        ("{'y': {'x': 1}}", "for 'y' by 'x' is 1: expected 'diagonal', 'banded:K'"),
    ],
)
def test_invalid_declaration_is_an_error_of_the_file(
    runtime: Make, sparsity: str, message: str
) -> None:
    """It is found when the endpoint is bound."""
    made = runtime(SQUARES + f"\njacobian_sparsity = {sparsity}\n", gradient_backend="auto")
    with pytest.raises(InvalidTesseract) as raised:
        made.bound(JACOBIAN)
    assert message in str(raised.value)
