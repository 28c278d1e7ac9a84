"""Many calls of one client, some of which are computed ahead."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_client import Outcome, Tesseract, TesseractFailed, ValidationError
from tests.client.recorded import RESULT, answer, saying
from tests.patience import SECONDS

FULL = answer({"detail": "The queue is full"}, 503, Retry_After="0")


def inputs_of(number: int) -> Iterator[dict[str, Any]]:
    """Yield inputs, of which one is not valid, one fails and one cannot be written."""
    odd: dict[int, dict[str, Any]] = {
        2: {"x": [[1.0]]},
        4: {"x": [1.0], "action": "fail"},
        5: {"x": [1.0], "tree": object()},
    }
    yield from (odd.get(n, {"x": [float(n)]}) for n in range(number))


def check(outcomes: list[Outcome]) -> None:
    """Check the outcomes of `inputs_of(7)`."""
    assert [outcome.index for outcome in outcomes] == [*range(7)]
    assert {n: type(outcome.error) for n, outcome in enumerate(outcomes) if outcome.error} == {
        2: ValidationError,
        4: TesseractFailed,
        5: ValidationError,
    }
    assert [outcomes[n].result["y"].tolist() for n in (0, 1, 3, 6)] == [[0], [1], [3], [6]]
    with pytest.raises(TesseractFailed, match=f"run {outcomes[4].run_id}"):
        _ = outcomes[4].result


def test_failures_stay_in_their_place(client: Tesseract) -> None:
    """Outcomes come in the order of the inputs, and tell errors when their result is read."""
    check([*client.map(inputs_of(7))])


def test_executor_computes_for_a_client_in_this_process(source: Path, tmp_path: Path) -> None:
    """The calls are those of other processes, with the same outcomes."""
    with Tesseract.from_api(source, output_path=tmp_path) as client:
        outcomes = [*client.map(inputs_of(7), executor="processes:2")]
        check(outcomes)
        assert os.getpid() not in {outcomes[n].result["process"] for n in (0, 1, 3, 6)}
        [here] = client.map([{"x": [1.0]}])
        assert here.result["process"] == os.getpid()


@pytest.mark.parametrize("kind", ["url", "worker"])
def test_executor_is_refused_where_others_compute(
    opened: Callable[[str, str | None], Tesseract], kind: str
) -> None:
    """A server and a worker have processes of their own."""
    with pytest.raises(InvalidOption, match=r"executor='processes:2' has no effect .*from_api"):
        opened(kind, None).map([], executor="processes:2")


def test_any_endpoint_is_called_with_the_same_arguments(client: Tesseract) -> None:
    """Arguments besides the inputs are those of every call."""
    inputs = [{"x": [1.0, 2.0], "scale": n} for n in (2, 3)]
    blocks = client.map(inputs, "jacobian", jac_inputs=["x"], jac_outputs=["y"])
    scales = [outcome.result["y"]["x"] for outcome in blocks]
    assert all(np.array_equal(scales[n], (n + 2) * np.eye(2)) for n in (0, 1))


def test_inputs_are_read_as_they_are_needed(client: Tesseract) -> None:
    """An endless iterator of inputs is read a few calls ahead."""
    numbers = itertools.count()
    outcomes = client.map({"x": [float(n)]} for n in numbers)
    assert [next(outcomes).result["y"].tolist() for _ in range(3)] == [[0], [1], [2]]
    outcomes.close()  # type: ignore[attr-defined]  # a generator
    assert next(numbers) <= 12


def test_workers_of_a_server_are_kept_busy() -> None:
    """As many calls are sent at a time as its workers and its queue take."""
    meeting = threading.Barrier(4)

    def meet(handler: BaseHTTPRequestHandler) -> None:
        meeting.wait(SECONDS)
        answer(RESULT)(handler)

    facts = answer({"status": "ready", "workers": 3, "queue_size": 1})
    with (
        saying(*[meet] * 8, others=facts) as server,
        Tesseract.from_url(server.url) as client,
    ):
        assert all(outcome.result for outcome in client.map([{"x": [1.0]}] * 8))


def test_outcomes_may_come_as_soon_as_they_are_known() -> None:
    """A call that takes long does not hold up the others."""
    blocked: list[str] = []
    go_on = threading.Event()

    def block(handler: BaseHTTPRequestHandler) -> None:
        blocked.append(handler.path.partition("run_id=")[2])
        go_on.wait(SECONDS)
        answer(RESULT)(handler)

    with (
        saying(block, *[answer(RESULT)] * 5) as server,
        Tesseract.from_url(server.url) as client,
    ):
        outcomes = client.map([{"x": [1.0]}] * 6, ordered=False)
        first = [next(outcomes) for _ in range(5)]
        go_on.set()
        [last] = outcomes
    assert [last.run_id] == blocked
    assert {outcome.index for outcome in [*first, last]} == {*range(6)}


def test_refused_calls_of_a_map_wait_for_their_turn() -> None:
    """Other clients may fill the queue; without a patience the calls are sent until it has room."""
    with (
        saying(FULL, FULL, answer(RESULT), answer(RESULT)) as server,
        Tesseract.from_url(server.url) as client,
    ):
        assert all(outcome.result for outcome in client.map([{"x": [1.0]}] * 2))
