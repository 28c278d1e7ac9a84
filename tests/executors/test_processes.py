"""The executor `processes`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from runtime_core import Runtime
from runtime_core.cores import usable_cores
from runtime_core.errors import InvalidOption
from runtime_core.testing import ExecutorConformance
from runtime_core.workers.processes import number_of_processes, thread_limits
from tests.conftest import Cli, clean_environment
from tests.patience import SECONDS, wait_until

Write = Callable[..., Path]
Make = Callable[..., Runtime]

SLOW = """
import os, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    notes: str = ""
    seconds: float = 0.0

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    if inputs.notes:
        Path(inputs.notes, str(os.getpid())).touch()
    time.sleep(inputs.seconds)
    print("evaluated")
    return OutputSchema(y=np.sin(inputs.x) * inputs.x.sum())
"""

FLAGS = ("--gradient-backend", "finite-differences", "--executor", "processes:2")


class TestProcesses(ExecutorConformance):
    """Processes of this machine."""

    target = "processes:2"


def payload(notes: Path, seconds: float, elements: int = 4) -> Mapping[str, Any]:
    """Return the payload of a Jacobian, whose evaluations note their processes in a folder."""
    notes.mkdir(exist_ok=True)
    inputs = {"x": [*range(1, elements + 1)], "notes": str(notes), "seconds": seconds}
    return {"inputs": inputs, "jac_inputs": ["x"], "jac_outputs": ["y"]}


def noted(notes: Path, number: int) -> list[psutil.Process]:
    """Wait for a number of processes that have begun an evaluation, and return them."""
    wait_until(lambda: len([*notes.iterdir()]) >= number)
    numbers = [int(path.name) for path in notes.iterdir()]
    return [psutil.Process(pid) for pid in numbers if psutil.pid_exists(pid)]


def is_running(process: psutil.Process) -> bool:
    """Check for a process that is not a zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(("target", "number"), [("processes", usable_cores()), ("processes:3", 3)])
def test_the_default_number_is_that_of_the_cores(target: str, number: int) -> None:
    """A number can be given."""
    assert number_of_processes(target) == number


@pytest.mark.parametrize("target", ["processes:", "processes:0", "processes:-1", "processes://2"])
def test_other_targets_are_refused(target: str) -> None:
    """The message has the two forms."""
    with pytest.raises(InvalidOption, match=r"expected processes or processes:N\.$"):
        number_of_processes(target)


def test_threads_share_the_cores() -> None:
    """Each process has its part of them, and one thread at least."""
    assert thread_limits(1)["OMP_NUM_THREADS"] == str(usable_cores())
    assert thread_limits(10**6)["OPENBLAS_NUM_THREADS"] == "1"


def test_what_evaluations_print_is_on_stderr(cli: Cli, tesseract: Write, tmp_path: Path) -> None:
    """As it is without processes, and also in the log; only the result is on stdout."""
    given = json.dumps(payload(tmp_path / "notes", 0))
    ended = cli(*FLAGS, "--api-path", str(tesseract(SLOW)), "jacobian", given)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["y"]["x"]["shape"] == [4, 4]
    assert ended.stderr.count("evaluated") == 8
    assert Path(tmp_path, "logs", "tesseract.log").read_text().count("evaluated") == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_ends_leaves_no_process(
    tesseract: Write, tmp_path: Path, number: signal.Signals
) -> None:
    """Its processes end with it, in the middle of evaluations."""
    notes = tmp_path / "notes"
    given = json.dumps(payload(notes, 60))
    program = [str(Path(sys.executable).with_name("tesseract-runtime")), *FLAGS]
    command = subprocess.Popen(
        [*program, "--api-path", str(tesseract(SLOW)), "jacobian", given],
        cwd=tmp_path,
        env=clean_environment(),
        stderr=subprocess.DEVNULL,
    )
    processes = noted(notes, 2)
    command.send_signal(number)
    command.wait(SECONDS)
    wait_until(lambda: not any(map(is_running, processes)))


def test_a_killed_process_is_replaced(runtime: Make, tmp_path: Path) -> None:
    """The right Jacobian comes out of one that lost a process in the middle, and the last one."""
    notes = tmp_path / "notes"
    flags = {"gradient_backend": "finite-differences", "output_path": str(tmp_path)}
    expected = jacobian(runtime(SLOW, **flags), payload(notes, 0))
    for number in (2, 1):
        made = runtime(SLOW, executor=f"processes:{number}", **flags)
        for path in notes.iterdir():
            path.unlink()
        program = [sys.executable, "-c", KILLER, str(notes), str(number)]
        with subprocess.Popen(program) as killer, made.set_up():
            assert jacobian(made, payload(notes, 0.05)) == expected
        assert killer.returncode == 0


KILLER = """
import os, signal, sys, time
while len(found := os.listdir(sys.argv[1])) < int(sys.argv[2]):
    time.sleep(0.01)
os.kill(int(found[0]), signal.SIGKILL)
"""


def jacobian(runtime: Runtime, given: Mapping[str, Any]) -> bytes:
    """Return the bytes of a Jacobian."""
    result: Any = runtime.call("jacobian", given)
    block: bytes = np.asarray(result.root["y"]["x"]).tobytes()
    return block
