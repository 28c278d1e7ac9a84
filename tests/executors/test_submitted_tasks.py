"""What travels to an executor, and what happens when it fails."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import ExecutorFailed, GradientFailed, InvalidPayload
from tests.executors.conftest import Here, Make, near

MODEL, DIGEST, CHANGES, OUTPUTS = range(4)


def points_sent(here: Here) -> list[bool]:
    """Return which submissions have carried the point."""
    return [point is not None for _, point in here.sent]


def test_the_point_is_carried_once_for_each_worker(made: Make) -> None:
    """The first evaluations bring it; the others name its digest."""
    here = Here()
    with near(made(here), 1.0, 2.0) as evaluations:
        pending = [evaluations.submit({}, ["y"]) for _ in range(6)]
        assert [future.result()["y"].tolist() for future in pending] == [[2.0, 4.0]] * 6
    assert points_sent(here) == [True, True, False, False, False, False]
    assert len({asked[DIGEST] for asked in here.asked}) == 1


def test_a_process_asks_for_a_point_that_it_does_not_know(made: Make) -> None:
    """It gets the point with the evaluation that has failed for it."""
    here = Here(forgets=True)
    with near(made(here), 1.0) as evaluations:
        found = [evaluations.submit({}, ["y"]).result()["y"].tolist() for _ in range(4)]
    assert found == [[2.0]] * 4
    assert points_sent(here) == [True, True, False, True, False, True]


def test_an_executor_that_can_share_gets_the_point_once(made: Make) -> None:
    """The first evaluations have what it has made of the point."""

    class Sharing(Here):
        shared = 0

        def share(self, data: bytes) -> object:
            self.shared += 1
            return data

    here = Sharing()
    with near(made(here), 1.0) as evaluations:
        for _ in range(5):
            evaluations.submit({}, ["y"]).result()
    assert here.shared == 1
    assert points_sent(here) == [True, True, False, False, False]


def test_only_what_changes_and_what_is_asked_travels(made: Make) -> None:
    """A change has its bytes, and the Tesseract is an address."""
    here = Here()
    with near(made(here), 1.0, 2.0) as evaluations:
        evaluations.submit({"x": np.array([3.0, 4.0])}, ["y"]).result()
    [asked] = here.asked
    assert asked[CHANGES] == {"x": ("<f8", (2,), "C", np.array([3.0, 4.0]).tobytes())}
    assert asked[OUTPUTS] == ("y",)
    assert isinstance(asked[MODEL], str)


def test_a_few_evaluations_for_each_worker_are_pending(made: Make) -> None:
    """Memory does not grow with the number of evaluations."""
    with near(made(Here()), 1.0) as evaluations:
        assert evaluations.concurrency == 6


def test_a_result_that_is_read_is_not_kept(made: Make) -> None:
    """Evaluations hold nothing of those that are done."""
    with near(made(Here()), 1.0) as evaluations:
        future = evaluations.submit({}, ["y"])
        future.result()
        seen = weakref.ref(future)
        del future
        gc.collect()
        assert seen() is None


def test_a_broken_executor_is_opened_again(made: Make) -> None:
    """What could not be submitted goes to the next one, with the point."""
    opened = [Here(breaks=(3,)), Here()]
    left = iter(opened)

    def open_(target: str, config: object) -> Here:
        return next(left)

    with near(made(open_), 1.0) as evaluations:
        pending = [evaluations.submit({}, ["y"]) for _ in range(4)]
        assert [future.result()["y"].tolist() for future in pending] == [[2.0]] * 4
    assert points_sent(opened[1]) == [True, True]


def test_one_process_may_be_lost_with_an_evaluation(made: Make) -> None:
    """Asking for the point is not a loss."""
    with near(made(Here(forgets=True, loses=(4,))), 1.0) as evaluations:
        found = [evaluations.submit({}, ["y"]).result()["y"].tolist() for _ in range(3)]
    assert found == [[2.0]] * 3


def test_the_second_loss_is_an_error(made: Make) -> None:
    """The message names the executor."""
    here = Here(loses=(2, 3))
    with near(made(here), 1.0) as evaluations:
        errors = [evaluations.submit({}, ["y"]).exception() for _ in range(3)]
    assert [error and str(error) for error in errors] == [
        None,
        "2 processes of here (acme-here 1.0) have ended during this evaluation. killed",
        None,
    ]


def test_inputs_that_cannot_travel_are_named(made: Make) -> None:
    """The message has the next step."""
    runtime = made(Here())
    inputs = runtime.api.input_schema(x=[1.0])
    object.__setattr__(inputs, "x", Lock())
    with pytest.raises(GradientFailed) as caught, runtime.evaluations(inputs):
        pass
    assert str(caught.value) == (
        "The inputs cannot be sent to here (acme-here 1.0): TypeError: cannot pickle "
        "'_thread.lock' object. Compute in this process with --executor serial."
    )


class Failing(Here):
    """Fails each task with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        """Fail."""
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


def test_processes_without_the_runtime_are_told_what_to_install(made: Make) -> None:
    """The message has the install line."""
    error = ModuleNotFoundError("No module named 'runtime_core'", name="runtime_core.executors")
    with near(made(Failing(error)), 1.0) as evaluations:
        found = evaluations.submit({}, ["y"]).exception()
    assert isinstance(found, ExecutorFailed)
    text = "The processes of here (acme-here 1.0) do not have the runtime. Install it there with: "
    assert str(found).startswith(f"{text}pip install ")


def test_the_failure_of_an_executor_is_passed_on(made: Make) -> None:
    """What it raises that is not a lost process is the error of the evaluation."""
    error = ValueError("full disk")
    with near(made(Failing(error)), 1.0) as evaluations:
        assert evaluations.submit({}, ["y"]).exception() is error


ODD = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64
from runtime_core.errors import FileRefused

class Hostile(Exception):
    __module__ = None
    def __str__(self):
        raise RuntimeError

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    if inputs.x[0] == 1:
        raise Hostile
    raise SystemExit("over")
"""


@pytest.mark.parametrize(("x", "name", "text"), [(1.0, "Hostile", ""), (2.0, "SystemExit", "over")])
def test_any_exception_of_an_author_travels(made: Make, x: float, name: str, text: str) -> None:
    """Its class need not be known here."""
    with near(made(Here(), ODD), x) as evaluations:
        error = evaluations.submit({}, ["y"]).exception()
    assert error is not None
    assert error.__cause__ is not None
    assert (type(error.__cause__).__name__, str(error.__cause__)) == (name, text)


def test_options_of_the_caller_apply_there(made: Make) -> None:
    """An evaluation sees the same configuration, with files of its own."""
    source = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64
from runtime_core.calls import current_scope

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    config = current_scope().config
    raise ValueError(f"{config.name} {config.executor} {config.output_path}")
"""
    runtime = made(Here(), source, name="beam")
    with near(runtime, 1.0) as evaluations:
        error = evaluations.submit({}, ["y"]).exception()
    assert error is not None
    name, executor, place = str(error.__cause__).split()
    assert (name, executor) == ("beam", "serial")
    assert place != runtime.config.output_path


def test_an_executor_in_the_thread_of_the_call_sends_nothing(made: Make) -> None:
    """An executor that opens as `None` is that of `serial`."""

    class Nothing:
        def __enter__(self) -> Executor | None:
            return None

        def __exit__(self, *_: object) -> None: ...

    with near(made(lambda target, config: Nothing()), 1.0) as evaluations:
        assert evaluations.concurrency == 1
        assert evaluations.submit({}, ["y"]).result()["y"].tolist() == [2.0]


def test_inputs_are_refused_as_before(made: Make) -> None:
    """The payload of a gradient is validated here, before anything is sent."""
    here = Here()
    runtime = made(here, gradient_backend="finite-differences")
    with pytest.raises(InvalidPayload):
        runtime.call("jacobian", {"inputs": {"x": 1}, "jac_inputs": ["x"], "jac_outputs": ["y"]})
    assert here.sent == []
