"""The log functions of user code, and the run that they log to."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from runtime_core.contracts import Run, RunStatus
from runtime_core.run_logs import (
    RunLog,
    StoredRun,
    log_artifact,
    log_metric,
    log_parameter,
    progress,
    run_directory,
)
from runtime_core.run_logs.run_follower import has_records
from tests.run_logs.conftest import Logging, call_of, entered, invoked

LOGS = """
import threading
from pydantic import BaseModel
from runtime_core import Differentiable, Float64
from runtime_core.run_logs import log_metric

class InputSchema(BaseModel):
    x: Differentiable[Float64] = 1.0

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def apply(inputs):
    LOG("in apply", float(inputs.x))
    return OutputSchema(y=2 * inputs.x)

def in_thread(*metric):
    failures = []
    def log():
        try:
            log_metric(*metric)
        except RuntimeError as error:
            failures.append(error)
    thread = threading.Thread(target=log)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
"""
"""A Tesseract that logs in `apply`; `LOG` is what its test puts there."""

HERE = LOGS.replace("LOG(", "log_metric(")
IN_THREAD = LOGS.replace("LOG(", "in_thread(")


def in_thread(function: Callable[[], Any]) -> None:
    """Run a function in a plain thread, which has no context, and raise what it raises."""
    errors: list[BaseException] = []

    def body() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize(
    "log",
    [
        lambda: log_parameter("size", 3),
        lambda: log_metric("loss", 0.5),
        lambda: log_artifact(__file__),
        lambda: progress(0.5),
    ],
    ids=["log_parameter", "log_metric", "log_artifact", "progress"],
)
def test_outside_of_a_run_is_an_error(
    log: Callable[[], None], request: pytest.FixtureRequest
) -> None:
    """Logging without a running call is an error that names the function."""
    name = request.node.callspec.id
    with pytest.raises(RuntimeError, match=rf"^{name} was called outside of a run: it works in ap"):
        log()


def test_missing_artifact_outside_of_a_run_is_outside_of_a_run() -> None:
    """A missing run is reported before an invalid value."""
    with pytest.raises(RuntimeError):
        log_artifact("nowhere")


def test_everything_goes_to_the_running_call(
    log: RunLog, logged: StoredRun, tmp_path: Path
) -> None:
    """Parameters, metrics and artifacts are records of the call whose context they have."""
    (tmp_path / "plot.svg").write_text("<svg/>")
    with entered(log):
        log_parameter("size", 3)
        log_metric("loss", np.float32(0.5))
        log_artifact(str(tmp_path / "plot.svg"))
    assert logged.parameters == {"size": 3}
    assert [(each.key, each.value, each.step) for each in logged.metrics] == [("loss", 0.5, 0)]
    assert [path.name for path in logged.artifacts] == ["plot.svg"]


def test_progress_is_a_field_of_the_run(log: RunLog, logged: StoredRun) -> None:
    """The last progress of a run is in its record."""
    with entered(log):
        log_parameter("size", 3)
        progress(np.float32(0.25), "mesh")
        progress(0.5, "solver")
    assert logged.facts["progress"] == [0.5, "solver"]


def test_plain_thread_logs_to_the_only_running_call(log: RunLog, logged: StoredRun) -> None:
    """A thread that has lost the context belongs to the call that runs in this process."""
    with entered(log):
        in_thread(lambda: log_parameter("size", 3))
    assert logged.parameters == {"size": 3}


def test_thread_of_one_of_several_calls_must_have_its_context(log: RunLog, run: Run) -> None:
    """Where several calls run, a thread without context gets an error with the remedy."""
    with entered(log), entered(RunLog(run)), pytest.raises(RuntimeError) as caught:
        in_thread(lambda: log_metric("loss", 1))
    assert str(caught.value) == (
        "log_metric cannot tell which of 2 running calls this thread belongs to. Start the thread "
        "with the context of the call: Thread(target=contextvars.copy_context().run, "
        "args=(function, ...))."
    )


def test_copied_context_tells_several_calls_apart(
    log: RunLog, logged: StoredRun, run: Run, tmp_path: Path
) -> None:
    """A thread that is started as that message says logs to the call that has started it."""
    second = RunLog(replace(run, folder=tmp_path / "run_second"))
    with entered(log):
        context = contextvars.copy_context()
        with entered(second):
            in_thread(lambda: context.run(log_parameter, "size", 3))
    assert (logged.parameters, second.has_files) == ({"size": 3}, False)


def test_thread_that_outlives_its_call_is_told(log: RunLog) -> None:
    """Logging after the end of a run is an error that names the run, and opens nothing."""
    with entered(log):
        context = contextvars.copy_context()
    log.close(RunStatus.FINISHED)
    with pytest.raises(RuntimeError, match=r"^Run fit-7 has ended: nothing can be log"):
        context.run(log_metric, "loss", 1)
    assert not log.has_files


def test_run_that_is_not_kept_takes_everything_and_keeps_nothing(run: Run) -> None:
    """Records of a run that is not kept are dropped unchecked."""
    with entered(RunLog(replace(run, kept=False))):
        log_parameter("size", object())
        log_artifact("nowhere")
    assert not run.folder.exists()


def test_call_in_python_without_a_run_logs_nothing(runtime: Callable[..., Runtime]) -> None:
    """`Runtime.call` computes without a run unless it is given one."""
    assert runtime(HERE).call("apply", {"inputs": {}}).model_dump() == {"y": 2.0}


def test_call_in_python_that_fails_ends_its_run_as_failed(
    logging_runtime: Logging, run: Run, logged: StoredRun
) -> None:
    """A run that is given to `Runtime.call` has the status of the call."""
    made, _ = logging_runtime(HERE.replace("2 * inputs.x", "1 / 0"))
    with pytest.raises(ZeroDivisionError):
        made.call("apply", {"inputs": {}}, run)
    assert logged.status == "FAILED"


def test_thread_of_a_call_without_a_run_logs_nothing(runtime: Callable[..., Runtime]) -> None:
    """A plain thread of such a call logs nothing either, instead of failing."""
    assert runtime(IN_THREAD).call("apply", {"inputs": {}}).model_dump() == {"y": 2.0}


def jacobian() -> Any:
    """Return a call that asks for a gradient at 1."""
    return call_of("jacobian", inputs={"x": 1.0}, jac_inputs=["x"], jac_outputs=["y"])


def test_evaluations_of_a_gradient_log_nothing(logging_runtime: Logging, logged: StoredRun) -> None:
    """Finite differences of `apply` open no run, however often it logs."""
    here = logging_runtime(HERE, gradient_backend={"jacobian": "finite-differences"})
    assert invoked(*here, jacobian()).fault is None
    assert not has_records(logged.folder)


def test_threads_of_evaluations_log_nothing(logging_runtime: Logging, logged: StoredRun) -> None:
    """A plain thread of an evaluation does not log to the run of the gradient."""
    here = logging_runtime(IN_THREAD, gradient_backend={"jacobian": "finite-differences"})
    assert invoked(*here, jacobian()).fault is None
    assert not has_records(logged.folder)


def test_gradient_itself_may_log(logging_runtime: Logging, logged: StoredRun) -> None:
    """The author's own `jacobian` logs to its run."""
    source = HERE + "\ndef jacobian(inputs, jac_inputs, jac_outputs):\n"
    source += "    log_metric('here', 1)\n    return {'y': {'x': 2.0}}\n"
    assert invoked(*logging_runtime(source), jacobian()).fault is None
    assert [metric.key for metric in logged.metrics] == ["here"]


def test_validators_may_log(logging_runtime: Logging, logged: StoredRun) -> None:
    """An author's validator runs inside the call, and logs to its run."""
    source = HERE.replace(
        "class OutputSchema",
        "    def model_post_init(self, context):\n        log_metric('read', 1)\n\n"
        "class OutputSchema",
        1,
    )
    assert invoked(*logging_runtime(source), call_of()).fault is None
    assert {metric.key for metric in logged.metrics} == {"read", "in apply"}


def test_names_for_authors_are_these_functions() -> None:
    """`tesseract_core.runtime.experimental` re-exports the same functions."""
    from tesseract_core.runtime import experimental

    assert experimental.log_parameter is log_parameter
    assert experimental.log_metric is log_metric
    assert experimental.log_artifact is log_artifact
    assert experimental.run_directory is run_directory
