"""The text of a check: the result of each endpoint, its failures, and a table of deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from runtime_core.gradients import JVP, VJP
from tesseract_runtime_workbench.check_gradients.check_results import (
    Check,
    Comparison,
    DotProduct,
    GradientCheck,
)
from tesseract_runtime_workbench.check_gradients.perturbation import element

_HEADINGS = ("input -> output", "endpoint", "checks", "failures", "absolute", "relative")


def report(check: GradientCheck, max_failures: int) -> Iterator[str]:
    """Yield the lines of a report, with at most `max_failures` failures of an endpoint."""
    compared = []
    for name, endpoint in check.endpoints.items():
        yield from _endpoint(name, endpoint, max_failures)
        compared += [(name, each) for each in endpoint.results if each.checks]
    if check.dot_product is not None:
        yield from _dot_product(check.dot_product)
    if compared:
        rows = [_HEADINGS, *(_row(*each) for each in compared)]
        yield from ("", "Largest deviations:", *_table(rows))
    yield from dict.fromkeys(_below_noise(each) for _, each in compared if each.below_noise)
    yield f"Repeat with --seed {check.seed}."


def _endpoint(name: str, check: Check[Comparison], max_failures: int) -> Iterator[str]:
    yield from _summary(f"Gradient check for {name}", check)
    yield from islice(chain.from_iterable(map(_failures, check.results)), max_failures)
    more = sum(each.failed for each in check.results) - max_failures
    if more > 0:
        yield f"  ... and {more} more. Show them with a larger --max-failures."


def _dot_product(check: Check[DotProduct]) -> Iterator[str]:
    yield from _summary(f"Dot-product test of {JVP.endpoint} and {VJP.endpoint}", check)
    for product in check.results:
        if product.failed:
            yield (
                f"  <cotangent, J tangent>: {product.by_jvp:.6g}, "
                f"<J^T cotangent, tangent>: {product.by_vjp:.6g}"
            )


def _summary(subject: str, check: Check[Any]) -> Iterator[str]:
    word = "failed" if check.failed else "passed"
    yield f"{subject} {word} ({check.failed} failures / {check.checks} checks)"
    if check.fault is not None:
        yield "  " + check.fault.replace("\n", "\n  ")


def _failures(comparison: Comparison) -> Iterator[str]:
    known, gradients = comparison.reference, comparison.gradients
    if not np.any(gradients.imag):
        gradients = gradients.real
    for item in zip(*np.nonzero(comparison.relative > comparison.rtol), strict=True):
        yield (
            f"  {element(known.input_path, known.input_shape, known.columns[item])} -> "
            f"{element(known.output_path, known.output_shape, known.rows[item])}: "
            f"gradient {gradients[item]:.6g}, finite difference {known.values[item]:.6g}"
        )


def _row(endpoint: str, comparison: Comparison) -> Sequence[str]:
    deviations = (comparison.deviations.max(), comparison.relative.max())
    counts = (comparison.checks, comparison.failed)
    return (comparison.pair, endpoint, *map(str, counts), *(f"{each:.6g}" for each in deviations))


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table, words aligned to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, "<<>>>>", widths, strict=True)
        yield "  " + "  ".join(f"{cell:{align}{width}}" for cell, align, width in cells)


def _below_noise(comparison: Comparison) -> str:
    return (
        f"Differences cannot tell whether {comparison.pair} is right: at this step the "
        "derivatives are lost in rounding or in curvature. Choose a larger or a smaller one with "
        f"--eps-for '{comparison.reference.input_path}=VALUE'."
    )
