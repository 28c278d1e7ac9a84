"""The run logs of a server: one folder for each call that logs or prints."""

from __future__ import annotations

import csv
import json
import os
import signal
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Cli
from tests.patience import patient, wait_until
from tests.run_logs.conftest import install_sinks
from tests.server.conftest import Answer, Gate, Serve, Served, serving

DOES = """
import ctypes, os, subprocess, sys, threading, time
from pydantic import BaseModel
from runtime_core import Differentiable, Float64
from runtime_core.run_logs import log_artifact, log_metric, log_parameter

class InputSchema(BaseModel):
    x: Differentiable[Float64] = 1.0
    code: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Float64]

def wait(entered, release):
    with open(entered, "wb") as file:
        file.write(b"x")
    with open(release, "rb", buffering=0) as file:
        file.read(1)

def apply(inputs):
    exec(inputs.code, globals())
    return OutputSchema(y=2 * inputs.x)

print("at import")
"""
"""A Tesseract that does what its inputs say."""


@dataclass(frozen=True, kw_only=True)
class Logged(Served):
    """A server and the folder of its run logs."""

    out: Path
    lines: Path

    def do(self, code: str, run_id: str = "") -> Answer:
        """Let `apply` run some code."""
        body = json.dumps({"inputs": {"code": textwrap.dedent(code)}})
        return self.request("POST", f"/apply?run_id={run_id}" if run_id else "/apply", body)

    def logs(self, answer: Answer) -> Path:
        """Return the log folder of the run of an answer."""
        return self.out / f"run_{answer.headers['tesseract-run-id']}" / "logs"

    def heard(self, run_id: str) -> list[Any]:
        """Return the lines of the sink `lines` up to the end of a run."""

        def lines() -> list[Any]:
            text = self.lines.read_text() if self.lines.exists() else ""
            return [json.loads(line) for line in text.splitlines()]

        wait_until(lambda: ["open", run_id] in [line[:2] for line in lines()])
        wait_until(lambda: lines()[-1][0] == "close")
        return lines()


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """Return a server that logs to files and three sinks, one of which refuses and one hangs."""
    root = tmp_path_factory.mktemp("logged")
    path = root / "tesseract_api.py"
    path.write_text(DOES)
    options = [
        *("--output-path", str(root / "out"), "--log-to", f"lines:{root / 'lines'}"),
        *("--log-to", "refuses:x", "--log-to", "hangs:x", "--tracing", "--profiling"),
        *("--gradient-backend", "jacobian=finite-differences"),
    ]
    with serving(
        path,
        *options,
        environment=install_sinks(root / "site"),
        constants={"runtime_core.cli.commands.serve._SECONDS_FOR_SINKS": 0.2},
    ) as served:
        yield Logged(**vars(served), out=root / "out", lines=root / "lines")


@pytest.fixture
def quiet(serve: Serve, tmp_path: Path) -> Callable[..., Logged]:
    """Return a function that serves `DOES` without options that write to the log."""

    def make(*options: str, **settings: Any) -> Logged:
        served = serve(DOES, "--output-path", str(tmp_path / "out"), *options, **settings)
        return Logged(**vars(served), out=tmp_path / "out", lines=tmp_path / "lines")

    return make


def facts(logs: Path) -> Any:
    """Return the metadata of a run."""
    return json.loads((logs / "run.json").read_text())


def text_of(logs: Path) -> str:
    """Return the text of a log, which may not have begun."""
    log = logs / "tesseract.log"
    return log.read_text() if log.exists() else ""


def metrics(logs: Path) -> list[list[str]]:
    """Return keys, values and steps."""
    with (logs / "metrics.csv").open(newline="") as file:
        return [row[1:] for row in csv.reader(file)][1:]


def test_call_that_logs_nothing_makes_no_files(quiet: Callable[..., Logged]) -> None:
    """A call that logs nothing leaves no folder; the output path is made at the start."""
    server = quiet()
    for answer in (
        server.do(""),
        server.apply({"x": "nonsense"}),
        server.get("/health"),
        server.get("/input_schema"),
        server.request("POST", "/jacobian", "{}"),
    ):
        assert answer.status in (200, 404, 422)
    assert [*server.out.iterdir()] == []


def test_everything_is_in_the_folder_of_the_run(logged: Logged) -> None:
    """Text, metrics, parameters and artifacts are in the folder of the run id in the answer."""
    answer = logged.do("""
        print("from python")
        subprocess.run(["sh", "-c", "echo from a subprocess; echo its stderr >&2"])
        libc = ctypes.CDLL(None); libc.printf(b"from C\\n"); libc.fflush(None)
        os.write(2, b"from a descriptor\\n")
        log_metric("loss, \\"b\\"", 4); log_metric("loss, \\"b\\"", float("nan"))
        log_parameter("size", (2, 3))
        log_artifact(__file__)
    """)
    assert answer.status == 200
    logs = logged.logs(answer)
    text = (logs / "tesseract.log").read_text()
    lines = ["from python", "from a subprocess", "its stderr", "from C", "from a descriptor"]
    assert set(lines) <= set(text.splitlines())
    assert metrics(logs) == [['loss, "b"', "4.0", "0"], ['loss, "b"', "nan", "1"]]
    assert json.loads((logs / "parameters.json").read_text()) == {"size": [2, 3]}
    assert (logs / "artifacts" / "tesseract_api.py").exists()
    assert facts(logs)["status"] == "FINISHED"
    assert facts(logs)["id"] == answer.headers["tesseract-run-id"]


def test_log_has_only_what_the_call_has_written(
    quiet: Callable[..., Logged], tmp_path: Path
) -> None:
    """What the import, other calls and threads between calls print is not in it."""
    server = quiet()
    answered = tmp_path / "answered"
    first = server.do(f"""
        def late():
            while not os.path.exists({str(answered)!r}):
                time.sleep(0.01)
            print("between calls", flush=True)
        print("first")
        threading.Thread(target=late).start()
    """)
    assert (server.logs(first) / "tesseract.log").read_text() == "first\n"
    answered.touch()
    server.log.wait_for("between calls")
    second = server.do('print("second")')
    assert (server.logs(second) / "tesseract.log").read_text() == "second\n"
    assert (server.logs(first) / "tesseract.log").read_text() == "first\n"
    assert len([*server.out.iterdir()]) == 2
    server.end()
    printed = server.log.wait_for_end().splitlines()
    assert {"at import", "first", "between calls", "second"} <= set(printed)


def test_trace_and_profile_are_in_the_log(logged: Logged) -> None:
    """`--tracing` and `--profiling` write to the log of each call."""
    text = (logged.logs(logged.do("")) / "tesseract.log").read_text()
    assert [line.split(":")[0] for line in text.splitlines() if "[trace]" in line] == [
        "[trace] decode",
        "[trace] endpoint",
        "[trace] payload",
        "[trace] compute",
        "[trace] outputs",
        "[trace] encode",
    ]
    assert "Ordered by: cumulative time" in text


def test_traceback_of_a_500_is_in_the_log(logged: Logged) -> None:
    """A 500 has the id of its run, whose log ends with the traceback."""
    answer = logged.do('log_metric("a", 1); raise ValueError("no convergence")', "failing-1")
    assert (answer.status, answer.json()) == (
        500,
        {"detail": answer.json()["detail"], "run_id": "failing-1"},
    )
    assert answer.json()["detail"].startswith("ValueError: no convergence (tesseract_api.py:")
    assert answer.headers["tesseract-run-id"] == "failing-1"
    text = (logged.out / "run_failing-1" / "logs" / "tesseract.log").read_text()
    assert "Traceback (most recent call last):" in text
    assert text.endswith("ValueError: no convergence\n")
    assert "runtime_core/workers" not in text[text.index("Traceback") :]  # a profile is before it
    assert facts(logged.logs(answer))["status"] == "FAILED"


def test_wrong_result_is_told_in_the_log(serve: Serve, tmp_path: Path) -> None:
    """A result that does not fit is the author's fault, and in the log of the run."""
    source = DOES.replace("return OutputSchema(y=2 * inputs.x)", "return {'z': 1}")
    answer = serve(source, "--output-path", str(tmp_path)).apply({})
    assert answer.status == 500
    [log] = tmp_path.glob("run_*/logs/tesseract.log")
    assert log.parent.parent.name == f"run_{answer.json()['run_id']}"
    assert "which is not a valid OutputSchema" in log.read_text()


@pytest.mark.parametrize("end", ["os.abort()", "os.kill(os.getpid(), 9)", "os._exit(0)"])
def test_run_of_a_worker_that_dies_is_killed(logged: Logged, end: str) -> None:
    """A dead worker's run keeps its log, is closed as KILLED, and the next call is computed."""
    answer = logged.do(f'print("last words", flush=True); log_metric("a", 1); {end}')
    assert answer.status == 500
    logs = logged.logs(answer)
    assert facts(logs)["status"] == "KILLED"
    assert facts(logs)["ended"] is not None
    assert metrics(logs) == [["a", "1.0", "0"]]
    *_, reason = (logs / "tesseract.log").read_text().splitlines()
    assert reason.startswith("The worker process ended during the call (")
    assert "last words" in (logs / "tesseract.log").read_text()
    assert logged.heard(answer.json()["run_id"])[-1][:2] == ["close", "KILLED"]
    wait_until(lambda: logged.do("").status == 200)


def test_run_that_takes_too_long_is_killed(quiet: Callable[..., Logged]) -> None:
    """The log of a call that is stopped by `--timeout` has the reason."""
    server = quiet(options=["--timeout", str(patient(1))])
    answer = server.do('log_metric("a", 1); time.sleep(60)', "slow")
    assert answer.status == 504
    logs = server.out / "run_slow" / "logs"
    assert facts(logs)["status"] == "KILLED"
    assert len((logs / "tesseract.log").read_text().splitlines()) == 1


def test_run_is_killed_with_its_server(quiet: Callable[..., Logged], cli: Cli, gate: Gate) -> None:
    """After a `kill -9` of the server the files alone show that the run has ended."""
    server = quiet()
    code = f'log_metric("a", 1); wait({str(gate.entered)!r}, {str(gate.release)!r})'
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.do, code, "gone")
        gate.wait_until_entered()
        [worker] = server.workers()
        logs = server.out / "run_gone" / "logs"
        assert facts(logs)["pid"] == worker.pid
        os.kill(server.process.pid, signal.SIGKILL)
        assert answer.exception() is not None
    wait_until(lambda: not psutil.pid_exists(worker.pid))
    listed = cli("runs", "list", "--json", "-o", str(server.out))
    assert [(run["id"], run["status"]) for run in json.loads(listed.stdout)] == [("gone", "KILLED")]


def test_log_is_live(quiet: Callable[..., Logged], gate: Gate) -> None:
    """Metrics can be read at once and text soon, while the call computes."""
    server = quiet()
    code = f"""
        print("halfway", flush=True)
        log_metric("loss", 4)
        wait({str(gate.entered)!r}, {str(gate.release)!r})
    """
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.do, code, "live")
        gate.wait_until_entered()
        logs = server.out / "run_live" / "logs"
        assert metrics(logs) == [["loss", "4.0", "0"]]
        assert facts(logs)["status"] == "RUNNING"
        wait_until(lambda: text_of(logs) != "")
        assert (logs / "tesseract.log").read_text() == "halfway\n"
        gate.open()
        assert answer.result().status == 200
    assert (logs / "tesseract.log").read_text() == "halfway\n"


def test_distant_sink_has_the_run_of_each_call(logged: Logged) -> None:
    """The supervisor sends records and the end of a run; artifacts as stored."""
    answer = logged.do("""
        log_parameter("size", 3)
        log_metric("loss", 4, step=7)
        open("gone.txt", "w").close()
        log_artifact("gone.txt")
        os.remove("gone.txt")
    """)
    lines = logged.heard(answer.headers["tesseract-run-id"])
    assert lines[-1][:2] == ["close", "FINISHED"]
    assert lines[-1][-1] == logged.process.pid
    text = str(lines)
    assert "Parameter(key='size', value=3)" in text
    assert "Metric(key='loss', value=4.0, step=7, timestamp=" in text
    assert f"{logged.logs(answer)}/artifacts/gone.txt" in text


def test_failing_sinks_hold_nothing_up(logged: Logged) -> None:
    """A sink that refuses is reported with plugin and version; the calls are answered."""
    assert logged.do('log_metric("a", 1)').status == 200
    found = logged.log.wait_for(r"Run (\S+) cannot be logged to refuses:x \((.*?)\): ")
    assert found[2] == "tesseract-runtime-sinks 0.3"
    assert (logged.out / f"run_{found[1]}" / "logs" / "run.json").exists()


def test_strict_answers_500(quiet: Callable[..., Logged], tmp_path: Path) -> None:
    """With `--log-to-strict` a call whose run is not logged has no result."""
    options = ["--log-to", "refuses:x", "--log-to-strict"]
    server = quiet(*options, environment=install_sinks(tmp_path / "site"))
    answer = server.do('log_metric("a", 1)')
    assert answer.status == 500
    assert "cannot be logged to refuses:x (tesseract-runtime-sinks 0.3)" in answer.json()["detail"]
    assert server.do("").status == 200


def test_evaluations_of_a_gradient_log_nothing(logged: Logged) -> None:
    """Finite differences of an `apply` that logs log nothing of it, anywhere."""
    payload = {
        "inputs": {"x": 1.0, "code": 'log_metric("evaluation", 1)'},
        "jac_inputs": ["x"],
        "jac_outputs": ["y"],
    }
    answer = logged.request("POST", "/jacobian", json.dumps(payload))
    assert answer.status == 200
    found = {path.name for path in logged.logs(answer).iterdir()}
    assert found == {"run.json", "tesseract.log"}
    last = logged.do('log_metric("last", 1)').headers["tesseract-run-id"]
    assert "evaluation" not in str(logged.heard(last))


def test_thread_without_context_logs_to_the_call(logged: Logged) -> None:
    """A worker computes one call at a time, so that any thread knows which."""
    answer = logged.do("""
        thread = threading.Thread(target=log_metric, args=("thread", 1))
        thread.start(); thread.join()
    """)
    assert metrics(logged.logs(answer)) == [["thread", "1.0", "0"]]


def test_missing_artifact_is_named(logged: Logged) -> None:
    """A fault names the missing artifact."""
    answer = logged.do('log_artifact("plot.svg")')
    assert answer.json()["detail"].startswith(
        "FileNotFoundError: log_artifact: 'plot.svg' is not a file or folder. (tesseract_api.py:"
    )


def test_setup_is_no_run(serve: Serve) -> None:
    """Logging before any call has no run: the server reports it and does not start."""
    with pytest.raises(AssertionError, match="log_metric was called outside of a run"):
        serve(DOES + "\ndef setup():\n    log_metric('a', 1)\n")


def test_run_of_an_id_that_has_ended_is_replaced(logged: Logged) -> None:
    """The folder of a run has the files of the last call with its id, and nothing else."""
    logged.do(
        """
        from runtime_core.run_logs import run_directory
        print("first"); log_metric("a", 1); log_parameter("only", "first")
        (run_directory() / "mesh.txt").touch()
    """,
        "twice",
    )
    assert logged.do('log_metric("a", 2)', "twice").status == 200
    folder = logged.out / "run_twice"
    assert metrics(folder / "logs") == [["a", "2.0", "0"]]
    assert "first" not in (folder / "logs" / "tesseract.log").read_text()
    assert [path.name for path in folder.iterdir()] == ["logs"]
    assert not (folder / "logs" / "parameters.json").exists()
    assert [*logged.out.glob(".run_*")] == []


def test_run_of_an_id_that_runs_is_refused(quiet: Callable[..., Logged], gate: Gate) -> None:
    """While a run computes or waits, its id gets a 409, which changes nothing in its folder."""
    server = quiet()
    code = f'log_metric("a", 1); wait({str(gate.entered)!r}, {str(gate.release)!r})'
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.do, code, "busy")
        gate.wait_until_entered()
        refused = server.do('log_metric("a", 2)', "busy")
        assert (refused.status, refused.json()) == (
            409,
            {
                "detail": "Run 'busy' has not ended: wait for it, or name this run with another "
                "run_id."
            },
        )
        gate.open()
        assert answer.result().status == 200
    assert metrics(server.out / "run_busy" / "logs") == [["a", "1.0", "0"]]
    assert server.do('log_metric("a", 3)', "busy").status == 200


def test_runs_are_listed(logged: Logged, cli: Cli) -> None:
    """`runs` reads the output path of a server while that runs."""
    logged.do('print("here"); log_parameter("size", 3)', "listed")
    assert "listed" in cli("runs", "list", "-o", str(logged.out)).stdout
    shown = cli("--output-path", str(logged.out), "runs", "show", "liste").stdout
    assert "id: listed\n" in shown
    assert "parameter 'size': 3\n" in shown
    assert "here\n" in shown


def test_unwritable_output_path_is_a_warning(quiet: Callable[..., Logged], tmp_path: Path) -> None:
    """A server that cannot write logs computes, and reports the reason."""
    (tmp_path / "out").touch()
    server = quiet()
    assert server.do('print("hello"); log_metric("a", 1)').status == 200
    server.log.wait_for(r"Run \S+ cannot be logged: ")
    server.log.wait_for(r"tesseract.log cannot be written: ")


def test_much_output_of_a_call_does_not_stop_it(quiet: Callable[..., Logged]) -> None:
    """Megabytes from C code that holds the GIL are logged, byte by byte."""
    server = quiet()
    answer = server.do('ctypes.PyDLL(None).write(1, b"x" * 3_000_000, 3_000_000)')
    assert (server.logs(answer) / "tesseract.log").read_bytes() == b"x" * 3_000_000


FULL = """
    import resource
    def disk(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    log_metric("first", 1)
    disk(250); log_metric("lost" * 100, 1)
    disk(resource.RLIM_INFINITY); log_metric("kept", 1); log_metric("too", 1)
"""
"""Code that logs while nothing fits on the disk, and after that."""


def test_full_disk_does_not_fail_the_computation(logged: Logged) -> None:
    """Records on a full disk are lost with a warning; later ones are not."""
    answer = logged.do(FULL)
    assert answer.status == 200
    text = str(logged.heard(answer.headers["tesseract-run-id"]))
    assert "lost" not in text
    assert "key='too'" in text
    assert [row[0] for row in metrics(logged.logs(answer))] == ["first", "kept", "too"]
