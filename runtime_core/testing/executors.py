"""The conformance suite of executors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from runtime_core.calls import author_place
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Evaluations
from runtime_core.errors import (
    AuthorError,
    ExecutorFailed,
    FaultKind,
    GradientFailed,
    InvalidResult,
    WorkerDied,
)
from runtime_core.gradients import Point, evaluate_all
from runtime_core.message_texts import exception_text
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.tesseract import forget_modules
from runtime_core.testing.calls import call_of

MODEL = """
import os, signal
from pathlib import Path
import numpy as np
from pydantic import BaseModel, field_validator
from runtime_core import Array, Complex128, Differentiable, Float32, Float64
from sibling import FACTOR

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    matrix: Array[(None, None), Float64] = np.zeros((0, 2))
    scalar: Array[(), Float32] = 2.0
    notes: str = ""
    kill: int = 0

    @field_validator("x")
    @classmethod
    def doubled(cls, x):
        return 2 * x

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    z: Array[(None, None), Complex128]
    s: Array[(), Float32]
    process: Array[(), Float64]

def apply(inputs):
    if inputs.notes:
        with open(inputs.notes, "a") as notes:
            print(inputs.x[0], file=notes)
        if inputs.x[0] == 7 and len(Path(inputs.notes).read_text().split("7.0")) <= inputs.kill + 1:
            os.kill(os.getpid(), signal.SIGKILL)
    if inputs.x[0] < 0:
        raise ValueError("no mesh")
    if inputs.x[0] > 1000:
        return {"y": "many"}
    inputs.x += FACTOR
    return {
        "y": np.sin(inputs.x) / inputs.x.sum(),
        "z": 1j * inputs.matrix.T,
        "s": inputs.scalar / 3,
        "process": float(os.getpid()),
    }
"""
"""A Tesseract that notes its calls, and that the point 7 kills as often as `kill` says."""

Make = Callable[..., Runtime]


class ExecutorConformance:
    """Tests that an executor computes what the thread of the call would, and survives processes.

    A subclass gives the value of `--executor`. The plugin must be installed, and its executor
    compute in other processes of this machine: some evaluations kill the process that they are in.

    Example:
        ```python
        class TestPool(ExecutorConformance):
            target = "pool:2"
        ```
    """

    target: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
        """Return a function that opens the Tesseract of the suite with an executor."""
        folder = tmp_path_factory.mktemp("executor")
        (folder / "sibling.py").write_text("FACTOR = 3\n", encoding="utf-8")
        path = folder / "tesseract_api.py"
        path.write_text(MODEL, encoding="utf-8")
        with ExitStack() as opened:
            opened.callback(forget_modules, path)  # another suite has a sibling of the same name

            def make(target: str) -> Runtime:
                flags = {"api_path": str(path), "output_path": str(folder), "executor": target}
                runtime = local_runtime(catalog, resolve(catalog, flags=flags, environment={}))
                opened.enter_context(runtime.set_up())
                return runtime

            yield make

    @pytest.fixture(scope="class")
    @classmethod
    def serial(cls, make: Make) -> Runtime:
        """Return the Tesseract without the executor."""
        return make("serial")

    @pytest.fixture(scope="class")
    @classmethod
    def runtime(cls, make: Make) -> Runtime:
        """Return the Tesseract with the executor, which is open for all tests."""
        return make(cls.target)

    def test_results_are_those_of_the_thread_of_the_call(
        self, runtime: Runtime, serial: Runtime
    ) -> None:
        """Many evaluations give the same bits in the same order, with every kind of array."""
        matrix = np.asfortranarray(np.random.default_rng(0).random((5, 3)))
        inputs = {"x": [1.0, 2.0], "matrix": matrix, "scalar": 0.1}
        points = [{"x": np.array([n / 7, n])} for n in range(50)]
        points += [{"matrix": np.ones((n, 2))} for n in range(3)]
        points += [{"scalar": np.array(0.7, np.float32)}, {}]
        compute = partial(computed, inputs=inputs, changes=points, outputs=("y", "z", "s"))
        assert compute(runtime) == compute(serial)

    def test_evaluations_are_in_other_processes(self, runtime: Runtime) -> None:
        """No evaluation is in this process."""
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            pending = [evaluations.submit({}, ["process"]) for _ in range(8)]
            processes = {float(future.result()["process"]) for future in pending}
        assert os.getpid() not in processes

    def test_the_caller_owns_outputs(self, runtime: Runtime) -> None:
        """Outputs can be written to, and share no memory."""
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            pending = [evaluations.submit({}, ["y"]) for _ in range(2)]
            one, two = (future.result()["y"] for future in pending)
        one[...] = 5
        assert two[0] != 5

    def test_the_point_is_that_of_the_beginning(self, runtime: Runtime) -> None:
        """Evaluations do not change the inputs of others, and two points are kept apart."""
        with (
            runtime.evaluations(inputs_of(runtime, x=[1.0])) as first,
            runtime.evaluations(inputs_of(runtime, x=[2.0])) as second,
        ):
            found = [value(each) for each in (first, second, first, second, first)]
        assert found[0] == found[2] == found[4]
        assert found[1] == found[3] != found[0]

    def test_a_large_point_can_be_sent(self, runtime: Runtime, serial: Runtime) -> None:
        """Inputs of 8 MB arrive."""
        inputs = {"x": [1.0], "matrix": np.arange(1e6).reshape(1000, 1000)}
        compute = partial(computed, inputs=inputs, changes=[{}] * 8, outputs=("z",))
        assert compute(runtime) == compute(serial)

    def test_exceptions_have_their_names_and_places(self, runtime: Runtime) -> None:
        """What `apply` raises is named as in this process, and has a traceback."""
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            error = evaluations.submit({"x": np.array([-1.0])}, ["y"]).exception()
            value(evaluations)
        assert isinstance(error, AuthorError)
        assert exception_text(error.cause) == "ValueError: no mesh"
        place = author_place(error.cause)
        assert place.endswith("in apply")
        assert place.startswith(str(runtime.api.path))

    def test_invalid_results_are_refused(self, runtime: Runtime) -> None:
        """Outputs that do not fit, or that are not there, are reported."""
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            invalid = evaluations.submit({"x": np.array([1001.0])}, ["y"]).exception()
            absent = evaluations.submit({}, ["other"]).exception()
        assert isinstance(invalid, InvalidResult)
        assert "not a valid OutputSchema" in str(invalid)
        assert isinstance(absent, InvalidResult)
        assert "'other'" in str(absent)

    def test_what_fails_is_not_tried_again(self, runtime: Runtime, tmp_path: Path) -> None:
        """An exception of `apply` is the end of its evaluation, and of none other."""
        notes = tmp_path / "notes"
        points = [{"x": np.array([n])} for n in (1.0, -1.0, 2.0)]
        with runtime.evaluations(inputs_of(runtime, x=[1.0], notes=str(notes))) as evaluations:
            pending = [evaluations.submit(point, ["y"]) for point in points]
            failed = [future.exception() is not None for future in pending]
        assert failed == [False, True, False]
        assert sorted(notes.read_text().split()) == ["-1.0", "1.0", "2.0"]

    def test_dropped_evaluations_do_no_harm(self, runtime: Runtime) -> None:
        """Results that are not read do not stop later evaluations."""
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            for _ in range(10):
                evaluations.submit({}, ["y"])
        with runtime.evaluations(inputs_of(runtime, x=[1.0])) as evaluations:
            value(evaluations)

    def test_a_lost_process_costs_nothing(
        self, runtime: Runtime, serial: Runtime, tmp_path: Path
    ) -> None:
        """What a killed process had is computed by another one, in its place."""
        inputs = {"x": [1.0], "notes": str(tmp_path / "notes"), "kill": 1}
        changes = [{"x": np.array([float(n)])} for n in range(12)]
        found = computed(runtime, inputs=inputs, changes=changes, outputs=("y",))
        inputs = {"x": [1.0]}
        assert found == computed(serial, inputs=inputs, changes=changes, outputs=("y",))

    def test_a_point_that_kills_is_named(self, runtime: Runtime, tmp_path: Path) -> None:
        """The second death is an error with the place of the point, and others go on."""
        inputs = inputs_of(runtime, x=[1.0], notes=str(tmp_path / "notes"), kill=1000)
        points = [
            Point(changes={"x": np.array([float(n)])}, place=f"at point {n}") for n in range(12)
        ]
        with runtime.evaluations(inputs) as evaluations:
            with pytest.raises(GradientFailed, match="apply failed at point 7: WorkerDied: ") as e:
                list(evaluate_all(evaluations, points, ["y"]))
            value(evaluations)
        assert isinstance(e.value.__cause__, WorkerDied)
        assert (tmp_path / "notes").read_text().split().count("7.0") == 2

    def test_calls_are_answered_as_in_this_thread(
        self, runtime: Runtime, serial: Runtime, tmp_path: Path
    ) -> None:
        """Results, faults and files are the same, also where a process is lost once or twice."""
        notes = {name: str(tmp_path / name) for name in ("once", "always")}
        given: list[Any] = [{"inputs.x": [float(n)]} for n in (1, 2, -1)]
        given.append({"inputs.x": "many"})
        given += [{"inputs.x": [3.5], "inputs.notes": notes["once"], "inputs.kill": 1}]
        found = replies(runtime, *given)
        assert found == replies(serial, *({**each, "inputs.kill": 0} for each in given))
        always = {"inputs.x": [3.5], "inputs.notes": notes["always"], "inputs.kill": 9}
        (kind, _), answer = replies(runtime, always, given[0])
        assert (kind, answer) == (FaultKind.WORKER_DIED, found[0])

    def test_another_content_is_refused(self, runtime: Runtime, make: Make) -> None:
        """A file that has changed since it was loaded here is not evaluated in its new state."""
        runtime.executor.close()  # its processes have checked the content
        changed = make(self.target)
        sibling = runtime.api.path.with_name("sibling.py")
        inputs = inputs_of(changed, x=[1.0])
        with changed.evaluations(inputs) as evaluations:
            changed.executor.close()
            sibling.write_text("FACTOR = 4\n", encoding="utf-8")
            try:
                with pytest.raises(ExecutorFailed, match="finds another content of"):
                    evaluations.submit({}, ["y"]).result()
            finally:
                sibling.write_text("FACTOR = 3\n", encoding="utf-8")


def inputs_of(runtime: Runtime, **values: Any) -> Any:
    """Return validated inputs."""
    return runtime.api.input_schema(**values)


def computed(
    runtime: Runtime, *, inputs: Any, changes: Sequence[Any], outputs: Sequence[str]
) -> list[Any]:
    """Return the bytes, shapes and data types of the outputs of many evaluations."""
    points = [Point(changes=change, place="") for change in changes]
    with runtime.evaluations(inputs_of(runtime, **inputs)) as evaluations:
        return [
            [(a.tobytes(), a.shape, a.dtype) for a in map(found.__getitem__, outputs)]
            for _, found in evaluate_all(evaluations, points, outputs)
        ]


def replies(runtime: Runtime, *changes: Any) -> list[Any]:
    """Return the outputs of many replies, or the kinds and details of their faults."""
    call = call_of({"inputs": {"x": [1]}}, new_run=False, kept=False)
    with runtime.calls() as submitted:
        pending = [submitted.submit(replace(call, changes=change)) for change in changes]
        return [
            (fault.kind, fault.details) if fault else json.loads(bytes(reply.body[0]))["y"]
            for reply in (future.result() for future in pending)
            for fault in [reply.fault]
        ]


def value(evaluations: Evaluations) -> float:
    """Return an output at the point itself."""
    return float(evaluations.submit({}, ["y"]).result()["y"][0])
