"""The text of a check."""

from __future__ import annotations

from typing import Any

import numpy as np

from tesseract_runtime_workbench.check_gradients.check_results import (
    Check,
    Comparison,
    DotProduct,
    GradientCheck,
)
from tesseract_runtime_workbench.check_gradients.reference import Reference
from tesseract_runtime_workbench.check_gradients.report import report

NAMES = ("<cotangent, J tangent>", "<J^T cotangent, tangent>")


def comparison(gradients: Any, differences: Any, floor: float = 0.0) -> Comparison:
    """Return derivatives of a y of shape (2, 2) by a scalar s."""
    size = len(gradients)
    return Comparison(
        reference=Reference(
            input_path="s",
            output_path="y",
            input_shape=(),
            output_shape=(2, 2),
            columns=np.zeros(size, int),
            rows=np.arange(size),
            values=np.array(differences),
            floor=np.full(size, floor),
        ),
        gradients=np.array(gradients),
        known=np.ones(size, bool),
        rtol=0.1,
    )


def lines(
    *comparisons: Comparison,
    fault: str | None = None,
    dot_product: Check[DotProduct] | None = None,
    most: int = 10,
) -> list[str]:
    """Return the report of a check of one endpoint."""
    endpoints = {"jacobian": Check(results=comparisons, fault=fault)}
    result = GradientCheck(seed=7, endpoints=endpoints, dot_product=dot_product)
    return "\n".join(report(result, most)).splitlines()


def test_a_passed_check_has_a_table() -> None:
    """The first line has the result, the table the deviations, and the last the seed."""
    assert lines(comparison([1.0, 2.0, 0.0], [1.0, 2.1, 1e-12], floor=1e-9)) == [
        "Gradient check for jacobian passed (0 failures / 3 checks)",
        "",
        "Largest deviations:",
        "  input -> output  endpoint  checks  failures  gradient  absolute  relative",
        "  s -> y           jacobian       3         0         2       0.1  0.047619",
        "Repeat with --seed 7.",
    ]


def test_failures_name_both_elements_and_both_values() -> None:
    """A scalar has no index, an array has one number for each dimension."""
    assert lines(comparison([1.0, 2.0, 3.0], [1.0, 2.0, -3.0]))[:2] == [
        "Gradient check for jacobian failed (1 failures / 3 checks)",
        "  s -> y[1, 0]: gradient 3, finite difference -3",
    ]


def test_no_more_failures_are_shown_than_allowed() -> None:
    """The rest is counted."""
    shown = lines(comparison([1.0] * 4, [2.0] * 4), most=1)
    assert shown[1:3] == [
        "  s -> y[0, 0]: gradient 1, finite difference 2",
        "  ... and 3 more. Show them with a larger --max-failures.",
    ]


def test_values_that_are_not_finite_are_failures() -> None:
    """Their deviation is infinite in the table."""
    shown = lines(comparison([np.nan], [1.0]))
    assert shown[1] == "  s -> y[0, 0]: gradient nan, finite difference 1"
    assert shown[-3].split()[-2:] == ["inf", "inf"]
    assert shown[-2] == (
        "s -> y, jacobian: 1 of 1 derivatives or differences are not finite, the first at "
        "s -> y[0, 0]."
    )


def test_a_fault_is_reported_without_a_table() -> None:
    """All lines of its message are indented."""
    assert lines(fault="InvalidResult:\nkeys") == [
        "Gradient check for jacobian failed (1 failures / 1 checks)",
        "  InvalidResult:",
        "  keys",
        "Repeat with --seed 7.",
    ]


def test_a_dot_product_that_fails_shows_both_numbers() -> None:
    """Those that pass are only counted."""
    products = [
        DotProduct(names=NAMES, values=(2.0, 2.0), scale=1.0, rtol=0.1),
        DotProduct(names=NAMES, values=(2.0, 3.5), scale=1.0, rtol=0.1),
        DotProduct(names=NAMES, values=(np.nan, np.nan), scale=1.0, rtol=0.1),
    ]
    shown = lines(dot_product=Check(results=products))
    assert shown[1:] == [
        "Dot-product test of jacobian_vector_product and vector_jacobian_product failed "
        "(2 failures / 3 checks)",
        "  <cotangent, J tangent>: 2, <J^T cotangent, tangent>: 3.5",
        "  <cotangent, J tangent>: nan, <J^T cotangent, tangent>: nan",
        "Repeat with --seed 7.",
    ]


def test_a_check_that_can_tell_nothing_says_so_once() -> None:
    """The note names the pair and the option."""
    lost = comparison([1.0], [1.1], floor=5.0)
    assert lines(lost, lost)[-2] == (
        "Differences cannot tell whether s -> y is right: at this step the derivatives are lost in "
        "rounding or in curvature. Choose a larger or a smaller one with --eps-for 's=VALUE'."
    )
