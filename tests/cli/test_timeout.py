"""Commands of endpoints with `--timeout`, and notices of long calls."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import Cli
from tests.patience import SECONDS
from tests.server.conftest import GATED, Gate, gate, gate_inputs, started, wait_until_gone

__all__ = ["gate", "gate_inputs"]  # fixtures

Tesseract = Callable[..., Path]

STUCK = """
import ctypes, subprocess, sys
from pathlib import Path
from pydantic import BaseModel
from runtime_core.run_logs import log_artifact, log_parameter

print("import")

class InputSchema(BaseModel):
    stuck: bool

class OutputSchema(BaseModel):
    done: bool

def setup():
    print("setup")

def teardown():
    print("teardown")

def apply(inputs: InputSchema) -> OutputSchema:
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    log_parameter("pid", program.pid)
    if inputs.stuck:
        (Path(__file__).parent / "logs/artifacts").mkdir()
        (Path(__file__).parent / "logs/artifacts/.draft-1").touch()
        print("stuck", flush=True)
        ctypes.PyDLL(None).sleep(10_000)  # no signal handler of Python ever runs
    program.communicate(b"\\n")
    return OutputSchema(done=True)
"""
"""A Tesseract that waits in C code, beside a program, and has half a copy of an artifact."""


def test_a_call_over_its_time_ends_with_all_that_it_has_begun(
    cli: Cli, tesseract: Tesseract
) -> None:
    """The command fails, its processes are gone, and its run is that of a killed one."""
    api_path = tesseract(STUCK)
    payload = '{"inputs": {"stuck": true}}'
    arguments = ("--api-path", str(api_path), "apply", payload, "--timeout", "1", "-o", ".")
    ended = cli(*arguments, cwd=api_path.parent)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "import\nsetup\nstuck\nError: The call was stopped after 1 s.\n"
    logs = api_path.parent / "logs"
    pid = json.loads((logs / "parameters.json").read_text())["pid"]
    if psutil.pid_exists(pid):
        wait_until_gone([psutil.Process(pid)])
    [run] = json.loads(cli("runs", "list", "--json", cwd=api_path.parent).stdout)
    assert run["status"] == "KILLED"
    assert (logs / "tesseract.log").read_text() == "stuck\nThe call was stopped after 1 s.\n"
    assert [*(logs / "artifacts").iterdir()] == []
    assert not (api_path.parent / "results.json").exists()


@pytest.mark.parametrize("options", [(), ("-o", "results")])
def test_a_call_within_its_time_is_as_without(
    cli: Cli, tesseract: Tesseract, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The Tesseract is loaded once, set up and torn down, and the result is the same."""
    api = ("--api-path", str(tesseract(STUCK)))
    payload = '{"inputs": {"stuck": false}}'
    ended = cli(*api, "apply", payload, "--timeout", f"{SECONDS:g}", *options)
    assert (ended.returncode, ended.stderr) == (0, "import\nsetup\nteardown\n")
    text = (tmp_path / "results/results.json").read_text() if options else ended.stdout
    assert text.strip() == '{"done":true}'
    assert (tmp_path.joinpath(*options[1:]) / "logs/parameters.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (("health",), 0, '{"status":"ok"}\n'),
        (("apply",), 2, "Error: apply needs a payload: {...}, @PATH or -.\n"),
        (("apply", "{}"), 2, "inputs: Field required"),
        (("jacobian", "{}"), 2, "Error: Endpoint 'jacobian' is not available: "),
    ],
)
def test_faults_of_calls_with_a_time(
    cli: Cli, tesseract: Tesseract, arguments: tuple[str, ...], code: int, output: str
) -> None:
    """Answers and refusals are those without a time."""
    ended = cli("--api-path", str(tesseract()), *arguments, "--timeout", f"{SECONDS:g}")
    assert ended.returncode == code
    assert output in ended.stdout + ended.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_times_that_are_none_are_refused(cli_here: Cli, seconds: str) -> None:
    """A time is a positive number, and the Tesseract need not be loaded to say so."""
    ended = cli_here("apply", "{}", "--timeout", seconds)
    assert ended.returncode == 2
    assert "Invalid value for '--timeout': " in ended.stderr


def test_ctrl_c_ends_a_call_with_a_time(
    tesseract: Tesseract, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """An interrupt stops the worker too."""
    payload = json.dumps({"inputs": gate_inputs})
    with started(tesseract(GATED), "apply", payload, "--timeout", "1000") as process:
        gate.wait_until_entered()
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
        wait_until_gone(workers)


@pytest.mark.parametrize(
    ("options", "module"),
    [((), "cli.capture"), (("--timeout", "1000"), "workers.queued_call")],
)
def test_a_long_call_is_noticed(
    tesseract: Tesseract,
    gate: Gate,
    gate_inputs: dict[str, str],
    options: tuple[str, ...],
    module: str,
) -> None:
    """A line on stderr names the run of a call that takes long, and its result is not delayed."""
    payload = json.dumps({"inputs": gate_inputs})
    steps = {f"runtime_core.{module}.NOTICE_SECONDS": [0.1, 1000]}
    with started(tesseract(GATED), "apply", payload, *options, constants=steps) as process:
        gate.wait_until_entered()
        assert process.stderr is not None
        line = process.stderr.readline()
        gate.open()
        assert process.wait(SECONDS) == 0
        assert line.startswith("apply of run ")
        assert line.endswith(" is still running after 0.1 s.\n")
        assert process.stderr.read() == ""
