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
import json, sys, tempfile, time
from collections import deque
from pathlib import Path

SOURCE = '''
import time
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    rest: Array[(None,), Float64]
    seconds: float = 0.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    time.sleep(inputs.seconds)
    return OutputSchema(y=inputs.x[:2] ** 2)
'''

def main(target):
    import numpy as np
    from runtime_core import Runtime
    from runtime_core.gradients import Point, evaluate_in_order

    folder = tempfile.mkdtemp()
    path = Path(folder, "tesseract_api.py")
    path.write_text(SOURCE)
    options = {"gradient_backend": "finite-differences", "output_path": folder}
    runtime = Runtime.from_file(path, executor=target, **options)
    found = {}
    with runtime.set_up():
        for name, size in (("SMALL", 1), ("LARGE", 1_000_000)):
            inputs = runtime.api.input_schema(x=np.ones(4), rest=np.ones(size))
            with runtime.evaluations(inputs) as evaluations:
                def compute(number):
                    points = (Point(changes={"x": np.full(4, n)}, place="") for n in range(number))
                    start = time.perf_counter()
                    for _ in evaluate_in_order(evaluations, points, ["y"]):
                        pass
                    return time.perf_counter() - start
                compute(50)
                found[name] = 1e3 * min(compute(200) for _ in range(3)) / 200
        given = {"inputs": {"x": np.ones(100), "rest": [], "seconds": 0.02}}
        start = time.perf_counter()
        runtime.call("jacobian", {**given, "jac_inputs": ["x"], "jac_outputs": ["y"]})
        found["JACOBIAN"] = time.perf_counter() - start
        executor = runtime.executor.current()
        if executor is not None:
            found["PLAIN"] = 1e3 * min(submitted(executor) for _ in range(3)) / 200
    return found

def submitted(executor):
    pending, start = deque(), time.perf_counter()
    for n in range(200):
        pending.append(executor.submit(json.dumps, n))
        if len(pending) >= 6:
            pending.popleft().result()
    while pending:
        pending.popleft().result()
    return time.perf_counter() - start

if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
"""

_ROWS = {
    "SMALL": "no-op evaluation",
    "LARGE": "no-op evaluation, inputs of 8 MB",
    "PLAIN": "submit alone, of the same executor",
    "JACOBIAN": "Jacobian of 100 inputs, apply of 20 ms",
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
    about="The time of an evaluation that computes nothing, over 200 of them, and of a whole "
    "Jacobian, with `processes:2` and with two local workers of Dask and Ray.",
    rows=[
        Row(name=_ROWS["SMALL"], unit="ms", goals=[Goal(bound=0.3)]),
        Row(name=_ROWS["LARGE"], unit="ms"),
        Row(name=_ROWS["PLAIN"], unit="ms"),
        Row(name=_ROWS["JACOBIAN"], unit="s", goals=[Goal(bound=1 / 1.8, of="serial")]),
    ],
    sides=_sides,
    turns=3,
)
