"""Estimates from samples: right on average, and reproducible with a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.gradients import SerialEvaluations
from tesseract_runtime_finite_differences import (
    finite_difference_jacobian,
    finite_difference_vjp,
    stochastic,
)
from tesseract_runtime_finite_differences.scheme import Scheme
from tests.finite_differences.conftest import (
    GRADIENTS,
    AnyArray,
    Apply,
    Noted,
    cubes,
    gradient,
    jacobian,
)

SAMPLED = pytest.mark.parametrize("name", ["jacobian", "vjp"])

MATRIX = np.array([[1.0, -2.0, 0.5, 3.0], [0.0, 4.0, -1.0, 1.0]])


def linear(inputs: Any) -> Any:
    """Return the matrix times x."""
    return {"y": MATRIX @ inputs["x"]}


def estimate(
    num_samples: int, seed: int, *, apply: Apply = linear, x: AnyArray = MATRIX[0], **options: Any
) -> AnyArray:
    """Return an estimate of the Jacobian from any number of samples, also of few elements."""
    scheme = Scheme(algorithm="stochastic", num_samples=num_samples, seed=seed, **options)
    evaluations = SerialEvaluations(apply, {"x": x})
    return stochastic.jacobian(evaluations, {"x": x}, ["y"], scheme)["y"]["x"]


@SAMPLED
def test_a_seed_gives_the_same_estimate_again(name: str) -> None:
    """Equal seeds give equal bits, and other seeds other estimates."""
    x = np.linspace(1, 2, 5)
    first, second, other = (
        gradient(name, cubes, x, algorithm="stochastic", num_samples=4, seed=seed)
        for seed in (3, 3, 4)
    )
    assert first.tobytes() == second.tobytes()
    assert not np.allclose(first, other)


@SAMPLED
def test_without_a_seed_each_estimate_is_another(name: str) -> None:
    """Repeated estimates average to the Jacobian."""
    x = np.linspace(1, 2, 5)
    first, second = (
        gradient(name, cubes, x, algorithm="stochastic", num_samples=4) for _ in range(2)
    )
    assert not np.allclose(first, second)


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("algorithm", ["central", "forward", "stochastic"])
def test_random_numbers_of_the_author_are_left_alone(name: str, algorithm: Any) -> None:
    """Drawing samples does not advance the global random sequence."""
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    gradient(name, cubes, np.ones(3), algorithm=algorithm)
    assert np.random.random() == expected


@pytest.mark.parametrize("eps", ["auto", 1e-4])
def test_many_samples_come_to_the_jacobian(eps: Any) -> None:
    """The error follows from size and number of samples, and falls with the latter."""
    norms = np.linalg.norm(MATRIX, axis=1, keepdims=True)
    errors = [
        np.abs(estimate(samples, seed, eps=eps) - MATRIX).max()
        for samples, seed in [(100, 0), (10_000, 1)]
    ]
    assert errors[0] < 5 * norms.max() * np.sqrt(3 / 100)
    assert errors[1] < 5 * norms.max() * np.sqrt(3 / 10_000)


def test_the_average_of_many_estimates_is_the_jacobian() -> None:
    """Each estimate is right on average, however few its samples are."""
    mean = np.mean([estimate(1, seed) for seed in range(4000)], axis=0)
    np.testing.assert_allclose(mean, MATRIX, atol=5 * 5 * np.sqrt(3 / 4000))


def test_a_product_is_that_with_the_jacobian_of_the_same_seed() -> None:
    """Both see the same samples."""
    inputs = {"x": np.linspace(0.5, 2, 4), "z": np.float64(3.0)}

    def apply(inputs: Any) -> Any:
        x, z = inputs["x"], inputs["z"]
        return {"y": MATRIX @ x**2 * z, "w": np.sin(x).sum()}

    options: dict[str, Any] = {"algorithm": "stochastic", "seed": 11, "num_samples": 4}
    cotangent: dict[str, Any] = {"y": np.array([1.0, -3.0]), "w": np.float64(0.25)}
    blocks = finite_difference_jacobian(apply, inputs, inputs, cotangent, **options)
    found = finite_difference_vjp(apply, inputs, inputs, cotangent, cotangent, **options)
    for path in inputs:
        expected = sum(
            np.tensordot(v, blocks[output][path], np.ndim(v)) for output, v in cotangent.items()
        )
        np.testing.assert_allclose(found[path], expected, rtol=1e-10)


def test_a_sample_has_two_sides_of_equal_distance() -> None:
    """Every element takes its own step up or down, and then the opposite one."""
    apply = Noted(cubes)
    x = np.array([1.0, -100.0, 0.0])
    estimate(100, 5, apply=apply, x=x, eps="auto")
    moves = np.array(apply.points) - x
    steps = np.finfo(np.float64).eps ** (1 / 3) * np.array([1.0, 100.0, 1.0])
    np.testing.assert_allclose(np.abs(moves), np.broadcast_to(steps, (200, 3)), rtol=1e-6)
    np.testing.assert_allclose(moves[::2], -moves[1::2], rtol=1e-6)
    assert {tuple(side) for side in np.sign(moves[::2])} == {
        (a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)
    }


@SAMPLED
@pytest.mark.parametrize(("elements", "options"), [(1, {}), (10, {}), (12, {"num_samples": 12})])
def test_few_elements_are_differentiated_one_by_one(
    name: str, elements: int, options: dict[str, int]
) -> None:
    """As many samples as elements would cost the same, and have noise."""
    x = np.linspace(1, 2, elements)
    found = gradient(name, cubes, x, algorithm="stochastic", **options)
    np.testing.assert_array_equal(found, gradient(name, cubes, x, algorithm="central"))


def test_elements_that_an_output_does_not_depend_on_have_no_share() -> None:
    """The squares of two numbers have a diagonal Jacobian, without noise beside it."""
    found = jacobian(lambda inputs: {"y": inputs["x"] ** 2}, [1.0, 2.0], algorithm="stochastic")
    np.testing.assert_allclose(found, [[2.0, 0.0], [0.0, 4.0]], rtol=1e-8, atol=0)
