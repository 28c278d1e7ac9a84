"""What executors cost for each evaluation, and what they save."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

from benchmarks.environments import Environments
from benchmarks.processes import printed
from benchmarks.study import OURS, Goal, Row, Study, Turn

_PROGRAM = """
import contextlib, json, statistics, sys, tempfile, time
from collections import deque
from functools import partial
from pathlib import Path

SOURCE = '''
import os, signal, time
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    rest: Array[(None,), Float64]
    seconds: float = 0.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    times: Array[(3,), Float64] = (0, 0, 0)

def apply(inputs):
    if inputs.x[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    begin = time.monotonic()
    time.sleep(inputs.seconds)
    times = np.array([os.getpid(), begin, time.monotonic()])
    return OutputSchema(y=inputs.x[:2] ** 2, times=times)
'''

def main(target):
    import numpy as np
    from runtime_core import Runtime
    from runtime_core.gradients import Point, evaluate_all

    folder = tempfile.mkdtemp()
    path = Path(folder, "tesseract_api.py")
    path.write_text(SOURCE)
    options = {"gradient_backend": "finite-differences", "output_path": folder}
    runtime = Runtime.from_file(path, executor=target, **options)
    with runtime.set_up():
        found = {"SMALL": milliseconds(runtime, 1), "LARGE": milliseconds(runtime, 1_000_000)}
        given = {"inputs": {"x": np.ones(100), "rest": [], "seconds": 0.02}}
        start = time.perf_counter()
        runtime.call("jacobian", {**given, "jac_inputs": ["x"], "jac_outputs": ["y"]})
        found["JACOBIAN"] = time.perf_counter() - start
        executor = runtime.executor.current()
        if executor is not None:
            found["PLAIN"] = 1e3 * min(submitted(*plain(target, executor)) for _ in range(3)) / 200
            if not target.startswith("processes"):
                own = milliseconds(Runtime.from_file(path, **options), 1)
                found["OF_PLAIN"] = (found["SMALL"] - own) / found["PLAIN"]
            found |= {f"BUSY_{n}": n * found["SMALL"] for n in (2, 10, 100)}
            found["IDLE"] = idle(runtime, evaluate_all, Point)
            found["KILLED"] = killed(runtime)
    return found

def milliseconds(runtime, size):
    # Of an evaluation, amortised over 200.
    import numpy as np
    from runtime_core.gradients import Point, evaluate_all

    inputs = runtime.api.input_schema(x=np.ones(4), rest=np.ones(size))
    with runtime.evaluations(inputs) as evaluations:
        def compute(number):
            points = (Point(changes={"x": np.full(4, n)}, place="") for n in range(number))
            start = time.perf_counter()
            for _ in evaluate_all(evaluations, points, ["y"]):
                pass
            return time.perf_counter() - start
        compute(50)
        return 1e3 * min(compute(200) for _ in range(3)) / 200

def plain(target, executor):
    # The engine's own submit, and what waits for its result.
    if target.startswith("dask"):
        return partial(executor._client.submit, json.dumps, pure=False), lambda each: each.result()
    if target.startswith("ray"):
        import ray
        return ray.remote(num_cpus=1)(json.dumps).remote, ray.get
    return partial(executor.submit, json.dumps), lambda each: each.result()

def submitted(submit, result):
    pending, start = deque(), time.perf_counter()
    for n in range(200):
        pending.append(submit(n))
        if len(pending) >= 6:
            result(pending.popleft())
    while pending:
        result(pending.popleft())
    return time.perf_counter() - start

def idle(runtime, evaluate_all, Point):
    inputs = runtime.api.input_schema(x=[1.0, 1.0], rest=[], seconds=0.05)
    with runtime.evaluations(inputs) as evaluations:
        points = [Point(changes={}, place="")] * 40
        each = [found["times"] for _, found in evaluate_all(evaluations, points, ["times"])]
    gaps = []
    for process in {times[0] for times in each}:
        own = sorted((begin, end) for pid, begin, end in each if pid == process)
        gaps += [after[0] - before[1] for before, after in zip(own, own[1:])]
    return 1e3 * statistics.median(gaps)

def killed(runtime):
    with runtime.evaluations(runtime.api.input_schema(x=[-1.0], rest=[])) as evaluations:
        start = time.perf_counter()
        error = evaluations.submit({}, ["y"]).exception()
        assert type(error).__name__ == "WorkerDied", error
        return time.perf_counter() - start

if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints there that a worker has died
        found = main(sys.argv[1])
    print(json.dumps(found))
"""

_ROWS = {
    "SMALL": "no-op evaluation",
    "LARGE": "no-op evaluation, inputs of 8 MB",
    "PLAIN": "submit of the engine itself",
    "OF_PLAIN": "no-op evaluation, less its own time, of that submit",
    "IDLE": "idle worker between evaluations of 50 ms",
    "JACOBIAN": "Jacobian of 100 inputs, apply of 20 ms",
    "BUSY_2": "least apply for 2 workers",
    "BUSY_10": "least apply for 10 workers (computed)",
    "BUSY_100": "least apply for 100 workers (computed)",
    "KILLED": "giving up on inputs that killed 2 workers",
}
_TARGETS = {
    "serial": "serial",
    OURS: "processes:2",
    "Dask": "dask://local?workers=2",
    "Ray": "ray://local?workers=2",
}


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    def side(target: str) -> dict[str, float]:
        found: Mapping[str, float] = printed(environments.ours, _PROGRAM, target)
        return {_ROWS[key]: number for key, number in found.items()}

    missing = {name for name in ("Dask", "Ray") if find_spec(name.lower()) is None}
    yield {name: partial(side, target) for name, target in _TARGETS.items() if name not in missing}


EXECUTORS = Study(
    name="Executors",
    about="Evaluations and a whole Jacobian with `processes:2` and with two local workers of Dask "
    "and Ray. A no-op evaluation is the mean of 200, submitted ahead. One process submits all: to "
    "keep N workers busy, `apply` must take N times as long as that.",
    rows=[
        Row(name=_ROWS["SMALL"], unit="ms", goals=[Goal(bound=0.3)]),
        Row(name=_ROWS["LARGE"], unit="ms"),
        Row(name=_ROWS["PLAIN"], unit="ms"),
        Row(name=_ROWS["OF_PLAIN"], unit=""),
        Row(name=_ROWS["IDLE"], unit="ms", goals=[Goal(bound=1)]),
        Row(name=_ROWS["JACOBIAN"], unit="s", goals=[Goal(bound=1 / 1.8, of="serial")]),
        *(Row(name=_ROWS[f"BUSY_{number}"], unit="ms") for number in (2, 10, 100)),
        Row(name=_ROWS["KILLED"], unit="s", goals=[Goal(bound=10)]),
    ],
    sides=_sides,
    turns=3,
)
