"""Steps are taken in the data type of the array, and measured after rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_workbench.check_gradients.gradient_check import Settings
from tesseract_runtime_workbench.check_gradients.perturbation import perturbation


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_neighbours_are_numbers_of_the_data_type(dtype: str) -> None:
    """The distance between them is exact, whatever was lost of the step."""
    array = np.array([0.7, 0.3], dtype)
    step = perturbation("x", array, 1, 0.01)
    above, below = step.above, step.below
    assert [above.dtype, below.dtype] == [np.dtype(dtype)] * 2
    assert step.forward == float(above.real) - float(array[1].real)
    assert step.backward == float(array[1].real) - float(below.real)
    assert step.width == pytest.approx(0.02, rel=0.1)


def test_a_path_may_have_a_step_of_its_own() -> None:
    """Others keep the common step."""
    settings = Settings(eps=0.5, eps_for={"x": 0.25})
    assert perturbation("x", np.array([1.0]), 0, settings.step("x")).width == 0.5
    assert perturbation("z", np.array([1.0]), 0, settings.step("z")).width == 1.0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.array([[1.0, 2e4]], "float32"),
            "The step 0.0001 is lost in float32: input x[0, 1] is 20000.0, and its neighbours are "
            "further away. Name a larger step with --eps-for 'x=100'.",
        ),
        (np.array([0, np.inf]), "Input x[1] is inf: no difference can be taken there."),
        (np.array([0, np.nan]), "Input x[1] is nan: no difference can be taken there."),
        (
            np.array([1, 2]),
            "Input x has the data type int64: no difference can be taken there.",
        ),
    ],
)
def test_a_step_that_is_lost_is_refused(array: Any, message: str) -> None:
    """The message names element, value, data type and a sufficient step."""
    with pytest.raises(InvalidOption) as caught:
        perturbation("x", array, 1, 1e-4)
    assert str(caught.value) == message


def test_a_step_beyond_the_largest_number_is_lost() -> None:
    """Neighbours must be finite."""
    with pytest.raises(InvalidOption, match="is lost in float16"):
        perturbation("x", np.array([65500.0], "float16"), 0, 100.0)
