"""The text of a check: what passed, what failed and how, and a table of all deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from runtime_core.gradients import JVP, VJP
from tesseract_runtime_workbench.check_gradients.perturbation import element
from tesseract_runtime_workbench.check_gradients.results import (
    Comparison,
    DotProductCheck,
    EndpointCheck,
    Failure,
    GradientCheck,
)

_HEADINGS = ("input -> output", "endpoint", "checks", "failures", "absolute", "relative")


def report(check: GradientCheck, max_failures: int) -> Iterator[str]:
    """Yield the lines of a report, with no more than `max_failures` failures of an endpoint."""
    for endpoint in check.endpoints:
        yield from _endpoint(endpoint, max_failures)
    if check.dot_product is not None:
        yield from _dot_product(check.dot_product)
    compared = [c for endpoint in check.endpoints for c in endpoint.comparisons if c.checks]
    if compared:
        yield from ("", "Largest deviations:", *_table([_HEADINGS, *map(_row, compared)]))
    yield from dict.fromkeys(_below_noise(c) for c in compared if c.below_noise)
    yield f"Repeat with --seed {check.seed}."


def _endpoint(check: EndpointCheck, max_failures: int) -> Iterator[str]:
    yield from _summary(f"Gradient check for {check.endpoint}", check)
    failures = check.failures()
    yield from map(_failure, islice(failures, max_failures))
    more = sum(1 for _ in failures)
    if more:
        yield f"  ... and {more} more. Show them with a larger --max-failures."


def _dot_product(check: DotProductCheck) -> Iterator[str]:
    yield from _summary(f"Dot-product test of {JVP.endpoint} and {VJP.endpoint}", check)
    for product in check.products:
        if product.failed:
            yield (
                f"  <cotangent, J tangent>: {product.by_jvp:.6g}, "
                f"<J^T cotangent, tangent>: {product.by_vjp:.6g}"
            )


def _summary(subject: str, check: EndpointCheck | DotProductCheck) -> Iterator[str]:
    word = "failed" if check.failed else "passed"
    yield f"{subject} {word} ({check.failed} failures / {check.checks} checks)"
    if check.fault is not None:
        yield "  " + check.fault.replace("\n", "\n  ")


def _failure(failure: Failure) -> str:
    return (
        f"  {element(failure.input_path, failure.input_index)} -> "
        f"{element(failure.output_path, failure.output_index)}: "
        f"gradient {failure.gradient:.6g}, finite difference {failure.difference:.6g}"
    )


def _row(comparison: Comparison) -> Sequence[str]:
    deviations = (comparison.deviations.max(), comparison.relative.max())
    counts = (comparison.checks, comparison.failed)
    numbers = (*map(str, counts), *(f"{deviation:.6g}" for deviation in deviations))
    return (comparison.pair, comparison.endpoint, *numbers)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table: words aligned to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  " + "  ".join(cells)


def _below_noise(comparison: Comparison) -> str:
    return (
        f"Differences cannot tell whether {comparison.pair} is right: at this step the "
        "derivatives are lost in rounding or in curvature. Choose a larger or a smaller one with "
        f"--eps-for '{comparison.reference.input_path}=VALUE'."
    )
