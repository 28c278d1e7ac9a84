"""The text of a check: the result of each endpoint, its failures, and a table of deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, starmap
from typing import Any

import numpy as np

from runtime_core.gradients import HVP, JVP, VJP
from tesseract_runtime_workbench.check_gradients.check_results import (
    Check,
    Comparison,
    DotProduct,
    GradientCheck,
    Remainder,
)
from tesseract_runtime_workbench.check_gradients.perturbation import element

_HEADINGS = (
    "input -> output", "endpoint", "checks", "failures", "gradient", "absolute", "relative",
)  # fmt: skip


def report(check: GradientCheck, max_failures: int) -> Iterator[str]:
    """Yield the lines of a report, with at most `max_failures` failures of an endpoint."""
    compared = []
    for name, endpoint in check.endpoints.items():
        yield from _endpoint(name, endpoint, max_failures)
        compared += [(name, each) for each in endpoint.results if each.checks]
    for name, rests in check.remainders.items():
        yield from _summary(f"Gradient check for {name}", rests)
        yield from map(_order, rests.results)
    subject = f"Dot-product test of {JVP.endpoint} and {VJP.endpoint}"
    yield from _dot_products(subject, check.dot_product)
    yield from _dot_products(f"Symmetry test of {HVP.endpoint}", check.symmetry)
    if compared:
        rows = [_HEADINGS, *(_row(*each) for each in compared)]
        yield from ("", "Largest deviations:", *_table(rows))
    yield from chain.from_iterable(starmap(_not_finite, compared))
    yield from dict.fromkeys(_below_noise(each) for _, each in compared if each.below_noise)
    yield from _failed_evaluations(check.failures)
    if check.backends:
        yield f"Backends: {', '.join(f'{name} by {by}' for name, by in check.backends.items())}."
    if check.differences:
        yield (
            f"Differences are checked against differences: {', '.join(check.differences)} computed "
            "by a backend that takes them too. Their mistakes do not show."
        )
    yield f"Repeat with --seed {check.seed}."


def _endpoint(name: str, check: Check[Comparison], max_failures: int) -> Iterator[str]:
    yield from _summary(f"Gradient check for {name}", check)
    yield from islice(chain.from_iterable(map(_failures, check.results)), max_failures)
    more = sum(each.failed for each in check.results) - max_failures
    if more > 0:
        yield f"  ... and {more} more. Show them with a larger --max-failures."


def _order(remainder: Remainder) -> str:
    order = remainder.order
    found = "is lost in rounding" if order is None else f"has the order {order:.2f}"
    if not np.isfinite(remainder.sizes).any():
        found = "cannot be evaluated"
    return f"  The remainder {found}, expected {remainder.expected}."


def _dot_products(subject: str, check: Check[DotProduct] | None) -> Iterator[str]:
    if check is None:
        return
    yield from _summary(subject, check)
    for product in check.results:
        if product.failed:
            numbers = zip(product.names, product.values, strict=True)
            yield "  " + ", ".join(f"{name}: {value:.6g}" for name, value in numbers)


def _not_finite(endpoint: str, comparison: Comparison) -> Iterator[str]:
    places = np.argwhere(comparison.infinite)
    if len(places):
        first = _place(comparison, tuple(places[0]))
        yield (
            f"{comparison.pair}, {endpoint}: {len(places)} of {comparison.checks} derivatives or "
            f"differences are not finite, the first at {first}."
        )


def _failed_evaluations(failures: Sequence[str]) -> Iterator[str]:
    if failures:
        points = "1 point was" if len(failures) == 1 else f"{len(failures)} points were"
        yield f"{points} left out, the first because {failures[0]}"


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
            f"  {_place(comparison, item)}: "
            f"gradient {gradients[item]:.6g}, finite difference {known.values[item]:.6g}"
        )


def _place(comparison: Comparison, item: Any) -> str:
    """Format the input and output elements of a derivative."""
    known = comparison.reference
    moved = element(known.input_path, known.input_shape, known.columns[item])
    return f"{moved} -> {element(known.output_path, known.output_shape, known.rows[item])}"


def _row(endpoint: str, comparison: Comparison) -> Sequence[str]:
    largest = (comparison.largest, comparison.deviations.max(), comparison.relative.max())
    counts = (comparison.checks, comparison.failed)
    return (comparison.pair, endpoint, *map(str, counts), *(f"{each:.6g}" for each in largest))


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table, words aligned to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, "<<>>>>>", widths, strict=True)
        yield "  " + "  ".join(f"{cell:{align}{width}}" for cell, align, width in cells)


def _below_noise(comparison: Comparison) -> str:
    return (
        f"Differences cannot tell whether {comparison.pair} is right: at this step the "
        "derivatives are lost in rounding or in curvature. Choose a larger or a smaller one with "
        f"--eps-for '{comparison.reference.input_path}=VALUE'."
    )
