"""Short tasks are sent together to an executor that names the least seconds of one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np
import pytest

from runtime_core.contracts import Evaluations
from tests.executors.conftest import Here, Make, near

AGES, NO_TIME = 1e9, 1e-9
"""Seconds that no task takes, and that each does."""

MOST = 64


class Bundling(Here):
    """Wants tasks of `least_seconds`."""

    least_seconds = AGES

    @property
    def sizes(self) -> list[int]:
        """The numbers of tasks that were sent together."""
        return [len(bundle) for (_, bundle), *_ in self.sent]


def submitted(evaluations: Evaluations, values: Sequence[float]) -> list[Future[Any]]:
    """Submit an evaluation for each value."""
    return [evaluations.submit({"x": np.array([value])}, ["y"]) for value in values]


def results(pending: Sequence[Future[Any]]) -> list[float]:
    """Return the value of each result."""
    return [future.result()["y"].item() for future in pending]


def test_short_tasks_are_sent_together(made: Make) -> None:
    """The first tells how short they are; a bundle that is not full is sent when it is read."""
    here = Bundling()
    values = [float(value) for value in range(MOST + 10)]
    with near(made(here), 1.0) as evaluations:
        assert results(submitted(evaluations, [0.0])) == [0.0]
        assert evaluations.concurrency == 6 * MOST
        assert results(submitted(evaluations, values)) == [2 * value for value in values]
    assert here.sizes == [1, MOST, 10]


def test_long_tasks_are_sent_one_by_one(made: Make) -> None:
    """So are those of an executor that names no seconds."""
    for least in (NO_TIME, 0.0):
        here = Bundling()
        here.least_seconds = least
        with near(made(here), 1.0) as evaluations:
            for _ in range(2):
                assert results(submitted(evaluations, [1.0, 2.0])) == [2.0, 4.0]
            assert evaluations.concurrency == 6
        assert here.sizes == [1] * 4


def test_what_is_left_of_a_bundle_that_took_long_is_spread_over_the_workers(made: Make) -> None:
    """A process returns what it has computed, and the others are sent one by one."""
    here = Bundling()
    with near(made(here), 1.0) as evaluations:
        submitted(evaluations, [0.0])[0].result()
        here.least_seconds = NO_TIME
        assert results(submitted(evaluations, [1.0, 2.0, 3.0])) == [2.0, 4.0, 6.0]
        assert here.sizes == [1, 3, 1, 1]
        assert evaluations.concurrency == 6


def test_large_outcomes_end_a_bundle(made: Make) -> None:
    """Memory holds a few megabytes of each bundle."""
    here = Bundling()
    many = np.ones(60_000)
    with near(made(here), 1.0) as evaluations:
        submitted(evaluations, [0.0])[0].result()
        pending = [evaluations.submit({"x": many}, ["y"]) for _ in range(4)]
        assert [future.result()["y"].size for future in pending] == [many.size] * 4
    assert here.sizes == [1, 4, 1, 1]


def test_a_bundle_without_its_point_is_sent_again_with_it(made: Make) -> None:
    """Nothing of it has been computed."""
    here = Bundling(forgets=True)
    with near(made(here), 1.0) as evaluations:
        for _ in range(2):  # each worker gets the point once unasked
            assert results(submitted(evaluations, [0.0])) == [0.0]
        assert results(submitted(evaluations, [1.0, 2.0, 3.0])) == [2.0, 4.0, 6.0]
    assert [point is not None for _, point in here.sent] == [True, True, False, True]
    assert here.sizes == [1, 1, 3, 3]


def test_the_tasks_of_a_lost_bundle_are_sent_alone(made: Make) -> None:
    """Only the one that takes a second process with it has an error."""
    here = Bundling(loses=(2, 4))
    with near(made(here), 1.0) as evaluations:
        submitted(evaluations, [0.0])[0].result()
        pending = submitted(evaluations, [1.0, 2.0, 3.0])
        errors = [future.exception() for future in pending]
        assert results([pending[0], pending[2]]) == [2.0, 6.0]
    assert [error is None for error in errors] == [True, False, True]
    assert here.sizes == [1, 3, 1, 1, 1]


def test_tasks_near_other_points_are_not_in_a_bundle(made: Make) -> None:
    """A bundle has one point."""
    here = Bundling()
    runtime = made(here)
    with near(runtime, 1.0) as one, near(runtime, 5.0) as other:
        results(submitted(one, [0.0]))
        pending = [near.submit({}, ["y"]) for near in (one, other, one)]
        assert results(pending) == [2.0, 10.0, 2.0]


def test_tasks_that_were_not_sent_are_dropped(made: Make) -> None:
    """Like those that were sent and are not read."""
    here = Bundling()
    with near(made(here), 1.0) as evaluations:
        results(submitted(evaluations, [0.0]))
        [left] = submitted(evaluations, [1.0])
    with pytest.raises(CancelledError):
        left.result()
    assert here.sizes == [1]
