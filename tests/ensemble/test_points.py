"""The points of a sweep, from the values of its inputs."""

from __future__ import annotations

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_ensemble.points import Points, Sampler, Sampling, points_of
from tesseract_runtime_ensemble.specification import parse_assignments


def points(
    *texts: str,
    in_pairs: bool = False,
    samples: int | None = None,
    sampler: Sampler = Sampler.LHS,
    seed: int = 0,
) -> Points:
    """Return the points of some texts."""
    sampling = Sampling(samples=samples, sampler=sampler, seed=seed)
    return points_of(parse_assignments(texts), sampling, in_pairs=in_pairs)


def listed(made: Points) -> list[tuple[object, ...]]:
    """Return the values of all points."""
    return [tuple(made.changes(index).values()) for index in range(made.number)]


def test_a_grid_is_the_product_of_its_inputs() -> None:
    """The last input changes fastest."""
    made = points("a=[1,2]", "b=[3,4,5]")
    assert listed(made) == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]
    assert made.changes(4) == {"a": 2, "b": 4}


def test_a_large_grid_is_not_listed() -> None:
    """A point of a quintillion is made at once."""
    made = points(*(f"x{i}=arange(1000)" for i in range(6)))
    assert made.number == 10**18
    assert [*made.changes(10**18 - 1).values()] == [999] * 6


def test_pairs_change_together() -> None:
    """All inputs have the same number of values."""
    assert listed(points("a=[1,2]", "b=[3,4]", in_pairs=True)) == [(1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["a=[1]", "b=[1,2]"], {"in_pairs": True}, "--zip needs inputs with the same number of va"),
        (["a=uniform(0,1)"], {}, "a has a distribution: give the number of its samples with --sa"),
        (
            ["a=arange(1e10)", "b=arange(1e10)"],
            {},
            "The sweep has more than 9223372036854775807 po",
        ),
        (
            ["a=uniform(0,1)", "b=normal(0,1)"],
            {"samples": 10**12},
            "--samples 1000000000000 is too large, as all samples are drawn at once: give at",
        ),
        (["a=[1]"], {"samples": 4}, "--samples is the number of samples of distributions, and no"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    texts: list[str], options: dict[str, int], message: str
) -> None:
    """The message names the option to give or to leave out."""
    with pytest.raises(InvalidOption, match=f"^{message}"):
        points(*texts, **options)  # type: ignore[arg-type]  # of several types


@pytest.mark.parametrize("sampler", Sampler)
def test_samples_fill_each_interval_once(sampler: Sampler) -> None:
    """Each input has one of N samples in each N-th of its probability, in an order of its own."""
    pytest.importorskip("scipy")
    texts = ("a=uniform(0,8)", "b=loguniform(1,256)")
    found = [listed(points(*texts, samples=8, sampler=sampler, seed=seed)) for seed in (3, 3, 4)]
    uniform, logarithmic = np.array(found[0], float).T
    assert sorted(uniform.astype(int)) == [*range(8)]
    assert sorted(np.log2(logarithmic).astype(int)) == [*range(8)]
    assert found[0] == found[1] != found[2]


def test_samples_are_one_axis_of_a_grid() -> None:
    """Every combination of the other inputs has the same samples."""
    pytest.importorskip("scipy")
    made = points("n=[1,2]", "a=normal(0,1)", "b=uniform(0,1)", samples=3)
    assert made.number == 6
    first, second = listed(made)[:3], listed(made)[3:]
    assert [each[1:] for each in first] == [each[1:] for each in second]


def test_samples_of_sobol_are_powers_of_two() -> None:
    """The message has the nearest powers."""
    pytest.importorskip("scipy")
    with pytest.raises(InvalidOption, match="give --samples 64 or 128 instead of 100"):
        points("a=uniform(0,1)", samples=100, sampler=Sampler.SOBOL)
