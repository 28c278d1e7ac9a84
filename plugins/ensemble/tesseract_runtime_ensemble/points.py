"""The points of a sweep: a product, or pairs, of the values of its inputs, made one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runtime_core.distributions import install_command
from runtime_core.errors import InvalidOption, UnknownName
from tesseract_runtime_ensemble.specification import SMALLEST, Distribution, Values

_MOST_POINTS = 2**63 - 1  # an index is an integer of 64 bits

_MOST_SAMPLED = 2**24  # numbers, of which a few copies are in memory


class Sampler(StrEnum):
    """Names of samplers."""

    LHS = "lhs"
    SOBOL = "sobol"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One direction of the grid: the values of one input, or of several that change together."""

    number: int
    changes: Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The options by which distributions are sampled."""

    samples: int | None = None
    sampler: Sampler = Sampler.LHS
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Points:
    """The points of a sweep by their index; the last axis changes fastest."""

    axes: Sequence[Axis]

    @property
    def number(self) -> int:
        """The number of points."""
        return math.prod(axis.number for axis in self.axes)

    def changes(self, index: int) -> dict[str, Any]:
        """Return the values of one point, by the names of their inputs."""
        parts = []
        for axis in reversed(self.axes):
            index, position = divmod(index, axis.number)
            parts.append(axis.changes(position))
        return {name: value for part in reversed(parts) for name, value in part.items()}


def points_of(
    inputs: Mapping[str, Values | Distribution], sampling: Sampling, *, in_pairs: bool
) -> Points:
    """Return the points of a sweep; distributions are one axis, and all inputs if `in_pairs`.

    Raises `InvalidOption` for options that do not fit one another, and `UnknownName` where SciPy
    is not installed.
    """
    axes = [_axis(name, values) for name, values in inputs.items() if isinstance(values, Values)]
    distributions = {n: each for n, each in inputs.items() if isinstance(each, Distribution)}
    if distributions:
        axes.append(_sampled(distributions, sampling))
    elif sampling.samples is not None:
        raise InvalidOption(
            "--samples is the number of samples of distributions, and no input has one: give "
            "NAME=uniform(LOW,HIGH), loguniform or normal."
        )
    points = Points(axes=[_paired(axes)] if in_pairs else axes)
    if points.number > _MOST_POINTS:
        raise InvalidOption(
            f"The sweep has more than {_MOST_POINTS} points: give fewer values, or --zip."
        )
    return points


def _axis(name: str, values: Values) -> Axis:
    return Axis(number=values.number, changes=lambda index: {name: values.value(index)})


def _paired(axes: Sequence[Axis]) -> Axis:
    numbers = sorted({axis.number for axis in axes})
    if len(numbers) > 1:
        raise InvalidOption(
            f"--zip needs inputs with the same number of values, and they have "
            f"{' and '.join(map(str, numbers))}."
        )
    return Axis(
        number=numbers[0],
        changes=lambda index: {n: v for axis in axes for n, v in axis.changes(index).items()},
    )


def _sampled(distributions: Mapping[str, Distribution], sampling: Sampling) -> Axis:
    if sampling.samples is None:
        raise InvalidOption(
            f"{next(iter(distributions))} has a distribution: give the number of its samples with "
            "--samples."
        )
    if len(distributions) * sampling.samples > _MOST_SAMPLED:
        raise InvalidOption(
            f"--samples {sampling.samples} is too large, as all samples are drawn at once: give at "
            f"most {_MOST_SAMPLED // len(distributions)}."
        )
    samples = _samples(len(distributions), sampling.samples, sampling)

    def changes(index: int) -> Mapping[str, Any]:
        pairs = zip(distributions.items(), samples[index].tolist(), strict=True)
        return {name: each.quantile(probability) for (name, each), probability in pairs}

    return Axis(number=sampling.samples, changes=changes)


def _samples(dimensions: int, number: int, sampling: Sampling) -> Any:
    """Return probabilities above 0 and below 1, a row for each sample."""
    try:
        from scipy.stats import qmc  # an extra, which takes long to load
    except ImportError:
        command = install_command("tesseract-runtime-ensemble", extra="sampling")
        raise UnknownName(
            f"Distributions are sampled by SciPy, which is not installed. Install it with: "
            f"{command}"
        ) from None
    if sampling.sampler is Sampler.LHS:
        samples = qmc.LatinHypercube(dimensions, seed=sampling.seed).random(number)
    else:
        exponent = number.bit_length() - 1
        if number != 2**exponent:
            raise InvalidOption(
                f"--sampler sobol is balanced for powers of 2 alone: give --samples {2**exponent} "
                f"or {2 ** (exponent + 1)} instead of {number}."
            )
        samples = qmc.Sobol(dimensions, seed=sampling.seed).random_base2(exponent)
    return samples.clip(SMALLEST, 1 - SMALLEST)
