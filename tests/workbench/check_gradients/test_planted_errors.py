"""Planted errors are found, and right gradients pass."""

from __future__ import annotations

import pytest

from tests.workbench.check_gradients.conftest import JACOBIAN, JVP, MODELS, VJP, Make, Model, failed

SEEDS = range(10)

ERRORS = ("sign", "scale", "missing term", "shape", "transpose")

WITHOUT_SQUARE_BLOCKS = ("not square", "scalars")
"""Models in which no block can be transposed without changing its shape."""

PLANTED = [
    (name, error)
    for name in MODELS
    for error in ERRORS
    if error != "transpose" or name not in WITHOUT_SQUARE_BLOCKS
]


@pytest.mark.parametrize("name", MODELS)
def test_right_gradients_pass(name: str, runtime: Make) -> None:
    """Nothing fails, wherever the gradients are checked."""
    model = Model(name, runtime)
    for seed in SEEDS:
        result = model.check(seed)
        assert failed(result) == {JACOBIAN: 0, JVP: 0, VJP: 0}
        assert result.dot_product is not None
        assert (result.dot_product.failed, result.passed) == (0, True)


@pytest.mark.parametrize("endpoint", [JACOBIAN, JVP, VJP])
@pytest.mark.parametrize(("name", "error"), PLANTED)
def test_a_planted_error_is_found(name: str, error: str, endpoint: str, runtime: Make) -> None:
    """The endpoint with the error fails wherever it is checked, and the others pass.

    Products that contradict each other fail the dot-product test too.
    """
    model = Model(name, runtime)
    model.spoil(endpoint, error)
    for seed in SEEDS:
        result = model.check(seed)
        found = failed(result)
        assert found.pop(endpoint) > 0
        assert set(found.values()) == {0}
        if endpoint != JACOBIAN and error != "shape":
            assert result.dot_product is not None
            assert result.dot_product.failed
