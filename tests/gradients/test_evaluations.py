"""Evaluations of a function near one point: ownership, failures and logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

from runtime_core import Array, Float64, Runtime
from runtime_core.calls import scope
from runtime_core.contracts import Run
from runtime_core.errors import AuthorError, InvalidResult
from runtime_core.gradients import SerialEvaluations
from tests.builtin.conftest import HEADER, seen

Make = Callable[..., Runtime]


def evaluated(
    function: Callable[[Any], object],
    inputs: Any,
    changes: Mapping[str, Any] | None = None,
    outputs: tuple[str, ...] = ("y",),
) -> Any:
    """Return the outputs of one evaluation."""
    return SerialEvaluations(function, inputs).submit(changes or {}, outputs).result()


def identity(inputs: Any) -> Any:
    """Return x as y."""
    return {"y": inputs["x"]}


def test_only_what_is_changed_is_changed() -> None:
    """The rest of the inputs is unchanged at every depth."""
    inputs = {"x": np.ones(2), "deep": [{"w": np.zeros(3)}, {"w": np.ones(1)}], "n": 3}

    def function(inputs: Any) -> Any:
        first, second = (layer["w"] for layer in inputs["deep"])
        return {"y": inputs["x"], "all": np.concatenate([first, second, [inputs["n"]]])}

    changes = {"deep.[0].w": np.array([1.0, 2.0, 3.0])}
    found = evaluated(function, inputs, changes, ("y", "all"))
    assert found["y"].tolist() == [1, 1]
    assert found["all"].tolist() == [1, 2, 3, 1, 3]


def test_only_outputs_that_are_asked_for_are_returned() -> None:
    """Other outputs may be anything."""
    found = evaluated(lambda inputs: {"y": np.ones(1), "z": object()}, {"x": 1})
    assert found.keys() == {"y"}


def test_every_evaluation_has_inputs_of_its_own() -> None:
    """Changes of the inputs do not reach the next evaluation."""
    inputs = {"x": np.ones(2), "rest": [np.ones(2)]}

    def function(inputs: Any) -> Any:
        total = inputs["x"] + inputs["rest"].pop()
        inputs["x"] *= 10
        return {"y": total}

    evaluations = SerialEvaluations(function, inputs)
    for changes in ({}, {"x": np.ones(2)}, {}, {"rest.[0]": np.ones(2)}):
        assert evaluations.submit(changes, ["y"]).result()["y"].tolist() == [2, 2]


def test_the_base_is_that_of_the_beginning() -> None:
    """Later changes of the inputs do not move the point."""
    inputs = {"x": np.ones(2)}
    evaluations = SerialEvaluations(identity, inputs)
    inputs["x"][:] = 7
    assert evaluations.submit({}, ["y"]).result()["y"].tolist() == [1, 1]


def test_changes_stay_with_the_caller() -> None:
    """Functions cannot write into the caller's arrays."""

    def function(inputs: Any) -> Any:
        inputs["x"] += 1
        return identity(inputs)

    change = np.zeros(2)
    assert evaluated(function, {"x": np.ones(2)}, {"x": change})["y"].tolist() == [1, 1]
    assert change.tolist() == [0, 0]


def test_outputs_stay_with_the_caller() -> None:
    """A function that reuses a buffer does not change earlier outputs."""
    buffer = np.zeros(2)

    def function(inputs: Any) -> Any:
        buffer[:] = inputs["x"]
        return {"y": buffer}

    evaluations = SerialEvaluations(function, {"x": np.zeros(2)})
    first = evaluations.submit({"x": np.ones(2)}, ["y"]).result()
    second = evaluations.submit({"x": np.full(2, 2.0)}, ["y"]).result()
    assert (first["y"].tolist(), second["y"].tolist()) == ([1, 1], [2, 2])


@pytest.mark.parametrize("value", [3.0, np.float32(3.0), np.array(3.0), [1, 2], True, 2j])
def test_outputs_are_arrays(value: Any) -> None:
    """Whatever numbers a function returns, the caller gets an array of numpy."""
    found = evaluated(lambda inputs: {"y": value}, {"x": 1})["y"]
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, value)


def test_changes_of_rank_0_are_scalars_of_numpy() -> None:
    """A function sees numbers of the kind that fields of rank 0 have."""
    kinds = []

    def function(inputs: Any) -> Any:
        kinds.append(type(inputs["x"]))
        return identity(inputs)

    evaluated(function, {"x": np.float32(1.0)}, {"x": np.array(2.0, np.float32)})
    assert kinds == [np.float32]


def test_an_exception_is_that_of_the_result() -> None:
    """Submitting never fails; the future raises the function's error."""
    error = ValueError("no mesh")

    def function(inputs: Any) -> Any:
        raise error

    future = SerialEvaluations(function, {"x": 1}).submit({}, ["y"])
    assert future.done()
    assert future.exception() is error


def test_ctrl_c_is_heard_at_once() -> None:
    """An exit of the process does not wait in a future."""

    def function(inputs: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SerialEvaluations(function, {"x": 1}).submit({}, ["y"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (None, "None"),
        ([[1], [2, 3]], "list of 2 items"),
        ({"a": 1}, "object with keys 'a'"),
    ],
)
def test_an_output_that_is_no_array_is_told(value: object, shown: str) -> None:
    """The message has the value at the path."""
    with pytest.raises(InvalidResult) as caught:
        evaluated(lambda inputs: {"y": value}, {"x": 1})
    assert str(caught.value) == f"apply returned {shown} at 'y', expected an array."


@pytest.mark.parametrize("path", ["z", "y.[3]", "y.w"])
def test_an_output_that_is_not_there_is_told(path: str) -> None:
    """A path that the outputs lack is the function's fault."""
    with pytest.raises(InvalidResult) as caught:
        evaluated(identity, {"x": [1.0]}, outputs=(path,))
    assert repr(path) in str(caught.value)


class Copied:
    """Counts how often it is copied."""

    def __init__(self) -> None:
        self.copies = 0

    def __deepcopy__(self, memo: Any) -> Copied:
        self.copies += 1
        return self


def test_what_is_changed_is_not_copied_each_time() -> None:
    """Only unchanged inputs are copied."""
    large, small = Copied(), Copied()
    evaluations = SerialEvaluations(identity, {"x": large, "z": small})
    before = large.copies
    for _ in range(5):
        evaluations.submit({"x": np.ones(2)}, ["y"]).result()
    assert large.copies == before
    assert small.copies >= 5


class Inputs(BaseModel):
    """A model with all that it may have besides fields."""

    model_config = ConfigDict(frozen=True)

    x: Array[(None,), Float64]
    name: str = "solver"
    _validated: int = PrivateAttr(0)

    @field_validator("x")
    @classmethod
    def doubled(cls, x: Any) -> Any:
        """Double a number."""
        return 2 * x

    @cached_property
    def norm(self) -> float:
        """Return the largest element."""
        return float(np.max(self.x))


def test_models_are_changed_as_they_are() -> None:
    """Validators do not run again, and cached properties are computed again."""
    inputs = Inputs(x=np.array([1.0, 2.0]))
    inputs._validated = 5
    assert inputs.norm == 4.0

    def function(inputs: Inputs) -> Any:
        assert type(inputs) is Inputs
        return {"y": [inputs.norm, inputs._validated], "x": inputs.x}

    found = evaluated(function, inputs, {"x": np.array([3.0, 1.0])}, ("x", "y"))
    assert found["x"].tolist() == [3, 1]
    assert found["y"].tolist() == [3, 5]
    assert inputs.norm == 4.0


def runs_of(outside: Run | None) -> list[Run | None]:
    """Return the run before, inside and after an evaluation."""
    noted = [outside]

    def function(inputs: Any) -> Any:
        noted.append(scope.current().run)
        return identity(inputs)

    evaluated(function, {"x": 1.0})
    return [*noted, scope.current().run]


def test_what_plain_code_logs_in_an_evaluation_is_dropped() -> None:
    """Only inside there is a run, which is not kept."""
    before, inside, after = runs_of(scope.current().run)
    assert (before, after) == (None, None)
    assert inside is not None
    assert not inside.kept


def test_what_a_call_logs_in_an_evaluation_is_dropped(runtime: Make) -> None:
    """The run of the call is the current one before and after, and everything else stays."""
    made = runtime()
    run = Run(id="mine", endpoint="jacobian")
    with scope.enter(made.scope(run)):
        before, inside, after = runs_of(scope.current().run)
        configs = evaluated(lambda inputs: {"y": scope.current().config is made.config}, {})
    assert (before, after) == (run, run)
    assert inside is not None
    assert not inside.kept
    assert configs["y"]


def test_the_run_is_back_after_a_failure() -> None:
    """An exception inside leaves nothing behind."""
    SerialEvaluations(lambda inputs: 1 / 0, {"x": 1}).submit({}, ["y"])
    assert scope.current().run is None


def test_a_run_is_kept_unless_it_says_otherwise() -> None:
    """Only evaluations are not."""
    assert Run(id="a", endpoint="apply").kept


TESSERACT = (
    HEADER
    + """
class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float32]]

def apply(inputs):
    SEEN.append(inputs)
    if inputs.x[0] < 0:
        raise ValueError("no mesh")
    return {"y": inputs.x.tolist() if inputs.x[0] < 5 else "many"}
"""
)


def test_outputs_of_a_tesseract_are_validated(runtime: Make) -> None:
    """Outputs have declared data types, and inputs the author's class."""
    made = runtime(TESSERACT)
    inputs = made.api.input_schema(x=np.array([1.0, 2.0]))
    with made.evaluations(inputs) as evaluations:
        found = evaluations.submit({"x": np.array([3.0])}, ["y"]).result()
    assert (found["y"].dtype, found["y"].tolist()) == (np.float32, [3.0])
    assert isinstance(seen(made)[0], made.api.input_schema)


def test_outputs_that_are_refused_are_told(runtime: Make) -> None:
    """The future raises the same error as a call."""
    made = runtime(TESSERACT)
    with made.evaluations(made.api.input_schema(x=[9.0])) as evaluations:
        error = evaluations.submit({}, ["y"]).exception()
    assert isinstance(error, InvalidResult)
    assert "which is not a valid OutputSchema" in str(error)


def test_what_an_author_raises_is_marked(runtime: Make) -> None:
    """The cause of the future's exception is the author's own."""
    made = runtime(TESSERACT)
    with made.evaluations(made.api.input_schema(x=[1.0])) as evaluations:
        error = evaluations.submit({"x": np.array([-1.0])}, ["y"]).exception()
    assert isinstance(error, AuthorError)
    assert isinstance(error.cause, ValueError)


def test_evaluations_here_are_one_at_a_time(runtime: Make) -> None:
    """Without an executor one evaluation is pending at a time."""
    made = runtime(TESSERACT)
    with made.evaluations(made.api.input_schema(x=[1.0])) as evaluations:
        assert evaluations.concurrency == 1
