"""The log of a call on the command line: records, output and status."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runtime_core.executors.model_address import digest_of
from tests.cli.test_standard_streams import NOISY
from tests.conftest import Cli
from tests.patience import SECONDS, wait_until
from tests.run_logs.conftest import install_sinks
from tests.server.conftest import Gate, gate, started

__all__ = ["gate"]  # a fixture

Tesseract = Callable[..., Path]

LOGS = """
from pydantic import BaseModel
from runtime_core.run_logs import log_artifact, log_metric, log_parameter

class InputSchema(BaseModel):
    gate: list[str] = []

class OutputSchema(BaseModel):
    y: int = 1

def wait(gate):
    with open(gate[0], "wb") as entered:
        entered.write(b"x")
    with open(gate[1], "rb", buffering=0) as release:
        release.read(1)

def apply(inputs):
"""
"""The beginning of a Tesseract; its test adds what `apply` does."""

EVERYTHING = (
    LOGS
    + """
    import os, subprocess
    print("from python")
    subprocess.run(["sh", "-c", "echo from a subprocess; echo and its stderr >&2"])
    os.write(2, b"from a descriptor\\n")
    log_parameter("solver, 'main'", {"tolerance": 1e-6})
    for loss in (4.0, float("nan")):
        log_metric("loss", loss)
    log_artifact(__file__)
    return OutputSchema()
"""
)

TEXT = ["from python", "from a subprocess", "and its stderr", "from a descriptor"]

PAYLOAD = '{"inputs": {}}'

PROGRAM = str(Path(sys.executable).with_name("tesseract-runtime"))


def applied(cli: Cli, api_path: Path, *options: str, **settings: Any) -> Any:
    """Run `apply` with global options and return the ended process."""
    return cli("--api-path", str(api_path), *options, "apply", PAYLOAD, **settings)


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def facts(logs: Path) -> Any:
    """Return the facts of a run."""
    return json.loads((logs / "run.json").read_text())


def test_everything_is_in_the_log(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """Records and output are in the documented files, and output is live on stderr."""
    ended = applied(cli, tesseract(EVERYTHING), "--output-path", "out")
    assert (ended.returncode, ended.stdout) == (0, '{"y":1}\n')
    assert ended.stderr.splitlines() == TEXT
    logs = tmp_path / "out" / "logs"
    assert (logs / "tesseract.log").read_text().splitlines() == TEXT
    assert json.loads((logs / "parameters.json").read_text()) == {
        "solver, 'main'": {"tolerance": 1e-6}
    }
    with (logs / "metrics.csv").open(newline="") as file:
        assert [row[1:] for row in csv.reader(file)] == [
            ["key", "value", "step"],
            ["loss", "4.0", "0"],
            ["loss", "nan", "1"],
        ]
    assert (logs / "artifacts" / "tesseract_api.py").read_text() == EVERYTHING
    assert facts(logs)["status"] == "FINISHED"
    assert names(tmp_path / "out") == ["logs", f"run_{facts(logs)['id']}"]


def test_run_that_logs_nothing_has_a_record(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """Every command leaves what was computed, and with which result; stderr is empty."""
    ended = cli(
        *("--api-path", str(tesseract()), "--output-path", "out"),
        *("apply", '{"inputs": {"x": [1.0]}}'),
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    logs = tmp_path / "out" / "logs"
    assert names(logs) == ["run.json"]
    known = facts(logs)
    assert (known["endpoint"], known["status"]) == ("apply", "FINISHED")
    assert known["payload"] == {"inputs": {"x": [1.0]}}
    assert known["outcome"]["result"]["digest"] == sha256(ended.stdout[:-1].encode()).hexdigest()
    assert known["digest"] == digest_of(tmp_path / "tesseract" / "tesseract_api.py")


def test_log_of_a_run_lies_beside_its_result(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """An output path after the command takes the log too."""
    api_path = tesseract(EVERYTHING)
    assert cli("--api-path", str(api_path), "apply", PAYLOAD, "-o", "out").returncode == 0
    run = f"run_{facts(tmp_path / 'out' / 'logs')['id']}"
    assert names(tmp_path / "out") == ["logs", "results.json", run]


def test_log_of_each_run_is_kept(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """Every run has its folder, and the link `logs` leads to the last log, or is not there."""
    link = tmp_path / "logs"
    for count in (1, 2):
        applied(cli, tesseract(EVERYTHING))
        logs = [*tmp_path.glob("run_*/logs")]
        assert len(logs) == count
        assert link.resolve() in logs
        assert [len((log / "metrics.csv").read_text().splitlines()) for log in logs] == [3] * count
    applied(cli, tesseract(LOGS + "    print('hello'); return OutputSchema()\n"))
    assert names(link) == ["run.json", "tesseract.log"]
    applied(cli, tesseract())  # whose payload is refused
    assert not link.is_symlink()


def test_folder_of_another_program_stays(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """A folder `logs` that is not a link of the runtime is left alone, and the log is named."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").touch()
    ended = applied(cli, tesseract(LOGS + "    print('hello'); return OutputSchema()\n"))
    [log] = tmp_path.glob("run_*/logs")
    assert ended.stderr == (
        f"hello\nWarning: the log of this run is in {str(log)!r}, and {str(tmp_path / 'logs')!r} "
        "cannot be a link to it.\n"
    )
    assert names(tmp_path / "logs") == ["app.log"]


def test_traceback_of_a_failure_ends_the_log(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """Stderr has a short message, the log the output and the whole traceback."""
    source = LOGS + "    print('hello'); log_metric('a', 1); raise ValueError('no convergence')\n"
    ended = applied(cli, tesseract(source))
    assert (ended.returncode, ended.stdout) == (1, "")
    log = (tmp_path / "logs").resolve() / "tesseract.log"
    assert ended.stderr.startswith("hello\nError: ValueError: no convergence (")
    assert ended.stderr.endswith(f"\nThe traceback is in {log}; --debug shows it.\n")
    first, second, *_, last = log.read_text().splitlines()
    assert (first, second) == ("hello", "Traceback (most recent call last):")
    assert last == "ValueError: no convergence"
    assert facts(tmp_path / "logs")["status"] == "FAILED"


def test_refused_payload_leaves_no_log(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """An invalid call is not a failure of the Tesseract."""
    ended = cli("--api-path", str(tesseract(LOGS + "    return 1\n")), "apply", '{"inputs": 3}')
    assert ended.returncode == 2
    assert not (tmp_path / "logs").exists()


def test_prints_of_import_and_exit_are_not_in_the_log(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """The log has the output of all code of the call, and nothing else."""
    path = tesseract(NOISY)
    cli("--api-path", str(path), "apply", '{"inputs": {"x": [1.0]}}')
    assert sorted((tmp_path / "logs" / "tesseract.log").read_text().splitlines()) == [
        f"{who} in apply" for who in ("C", "descriptor", "python", "stdout", "subprocess")
    ]


def test_output_without_end_and_encoding_is_kept(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """Bytes are kept as they are, megabytes too."""
    source = LOGS + "    import os; os.write(1, b'\\xff' * 3_000_000); return OutputSchema()\n"
    ended = subprocess.run(
        [PROGRAM, "--api-path", str(tesseract(source)), "apply", PAYLOAD],
        cwd=tmp_path,
        capture_output=True,
    )
    assert ended.stderr == b"\xff" * 3_000_000
    assert (tmp_path / "logs" / "tesseract.log").read_bytes() == ended.stderr


def test_program_that_is_left_behind_holds_nothing_up(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """A process that outlives the call keeps the log open, not the command."""
    source = LOGS + (
        "    import subprocess\n"
        "    child = subprocess.Popen(['sh', '-c', 'echo before; exec sleep 600'])\n"
        "    log_parameter('pid', child.pid)\n"
        "    return OutputSchema()\n"
    )
    with (tmp_path / "stderr").open("w") as stderr:
        ended = subprocess.run(
            [PROGRAM, "--api-path", str(tesseract(source)), "apply", PAYLOAD],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=stderr,
            timeout=SECONDS,
        )
    pid = json.loads((tmp_path / "logs" / "parameters.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    assert ended.stdout == b'{"y":1}\n'
    assert (tmp_path / "logs" / "tesseract.log").read_text() == "before\n"


WAITS = (
    LOGS
    + """
    print("before", flush=True)
    log_metric("loss", 4)
    wait(inputs.gate)
    return OutputSchema()
"""
)


def run_until_gate(process: subprocess.Popen[str], gate: Gate, log: Path) -> None:
    """Wait until user code waits and what it has printed is there."""
    gate.wait_until_entered()
    assert process.stderr is not None
    assert process.stderr.readline() == "before\n"
    wait_until(lambda: process.poll() is not None or (log.exists() and log.stat().st_size))
    assert process.poll() is None


def test_log_is_live(tesseract: Tesseract, gate: Gate, tmp_path: Path) -> None:
    """Text and metrics can be read while the call still computes."""
    payload = json.dumps({"inputs": {"gate": [str(gate.entered), str(gate.release)]}})
    api_path = tesseract(WAITS)
    logs = api_path.parent / "logs"
    with started(api_path, "apply", payload) as process:
        run_until_gate(process, gate, logs / "tesseract.log")
        assert (logs / "tesseract.log").read_text() == "before\n"
        assert (logs / "metrics.csv").read_text().endswith(",loss,4.0,0\n")
        assert facts(logs)["status"] == "RUNNING"
        gate.open()
        assert process.wait(SECONDS) == 0
    assert facts(logs)["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [
        (signal.SIGKILL, -9, "KILLED"),
        (signal.SIGTERM, -15, "KILLED"),
        (signal.SIGINT, 130, "KILLED"),
    ],
)
def test_end_by_a_signal(
    cli: Cli, tesseract: Tesseract, gate: Gate, number: int, code: int, status: str
) -> None:
    """Output and records survive the end of the command, and the run is KILLED."""
    payload = json.dumps({"inputs": {"gate": [str(gate.entered), str(gate.release)]}})
    api_path = tesseract(WAITS)
    logs = api_path.parent / "logs"
    with started(api_path, "apply", payload) as process:
        run_until_gate(process, gate, logs / "tesseract.log")
        process.send_signal(number)
        assert process.wait(SECONDS) == code
    assert (logs / "metrics.csv").read_text().endswith(",loss,4.0,0\n")
    [run] = json.loads(cli("runs", "list", "--json", cwd=api_path.parent).stdout)
    assert run["status"] == status


def test_profile_and_trace_go_to_the_log(cli: Cli, tesseract: Tesseract, tmp_path: Path) -> None:
    """`--profiling` and `--tracing` write to the log and do not change the result."""
    ended = applied(cli, tesseract(EVERYTHING), "--profiling", "--tracing")
    assert ended.stdout == '{"y":1}\n'
    text = (tmp_path / "logs" / "tesseract.log").read_text()
    for stage in ("decode", "compute", "encode"):
        assert f"[trace] {stage}: " in text
    assert "Ordered by: cumulative time" in text
    assert "(apply)" in text


def test_profile_of_a_failure_goes_to_the_log(
    cli: Cli, tesseract: Tesseract, tmp_path: Path
) -> None:
    """A call that fails has a profile too, and its traceback comes last."""
    applied(cli, tesseract(LOGS + "    raise ValueError('no')\n"), "--profiling")
    text = (tmp_path / "logs" / "tesseract.log").read_text()
    assert 0 < text.index("Ordered by: ") < text.index("Traceback")
    assert text.endswith("ValueError: no\n")


@pytest.mark.parametrize("strict", [False, True])
def test_unwritable_output_path(cli: Cli, tesseract: Tesseract, *, strict: bool) -> None:
    """A log that cannot be written is a warning, or with `--log-to-strict` the end."""
    path = tesseract(LOGS + "    log_metric('a', 1); return OutputSchema()\n")
    path.with_name("out").touch()
    options = ["--output-path", str(path.with_name("out")), *["--log-to-strict"] * strict]
    ended = applied(cli, path, *options)
    assert "cannot be logged: " in ended.stderr
    assert (ended.returncode, ended.stdout) == ((1, "") if strict else (0, '{"y":1}\n'))


@pytest.fixture(scope="module")
def sinks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return variables with which the sinks of the tests are installed."""
    return install_sinks(tmp_path_factory.mktemp("site"))


LOGGING = LOGS + "    log_parameter('size', 3); log_metric('a', 1); return OutputSchema()\n"


def test_sinks_of_others_get_the_run(
    cli: Cli, tesseract: Tesseract, sinks: Mapping[str, str], tmp_path: Path
) -> None:
    """Several sinks at once, from variables or flags: each has the whole run, and its end."""
    target = f"lines:{tmp_path / 'lines'}"
    ended = applied(
        cli, tesseract(LOGGING), environment={**sinks, "TESSERACT_LOG_TO": f"file,{target}"}
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert [line[0] for line in (lines[0], lines[-1])] == ["open", "close"]
    assert lines[-1][1] == "FINISHED"
    assert "Parameter(key='size', value=3)" in str(lines)
    assert "Metric(key='a', value=1.0, step=0" in str(lines)
    assert lines[0][1] == facts(tmp_path / "logs")["id"]


def test_refusing_sink_is_told_and_missed_nothing(
    cli: Cli, tesseract: Tesseract, sinks: Mapping[str, str], tmp_path: Path
) -> None:
    """An unreachable sink is one line on stderr, and the files have the run."""
    ended = applied(cli, tesseract(LOGGING), "--log-to", "refuses:x", environment=sinks)
    assert (ended.returncode, ended.stdout) == (0, '{"y":1}\n')
    run_id = facts(tmp_path / "logs")["id"]
    assert ended.stderr == (
        f"Run {run_id} cannot be logged to refuses:x (tesseract-runtime-sinks 0.3): "
        "ConnectionError: connection refused. Its log is in "
        f"{tmp_path / f'run_{run_id}' / 'logs'}; send it later with: tesseract-runtime runs send "
        f"{run_id} --log-to refuses:x\n"
    )
    again = cli("runs", "send", run_id, "--log-to", "refuses:x", environment=sinks)
    assert again.returncode == 1
    assert "cannot be sent to refuses:x (tesseract-runtime-sinks 0.3)" in again.stderr
    sent = cli("runs", "send", run_id, "--log-to", f"lines:{tmp_path / 'x'}", environment=sinks)
    assert sent.stdout == f"Sent {run_id} to lines:{tmp_path / 'x'}\n"


def test_strict_fails_a_run_that_is_not_logged(
    cli: Cli, tesseract: Tesseract, sinks: Mapping[str, str]
) -> None:
    """With `--log-to-strict` no result is written."""
    ended = applied(
        cli, tesseract(LOGGING), "--log-to", "refuses:x", "--log-to-strict", environment=sinks
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Error: Run " in ended.stderr
    assert "cannot be logged to refuses:x" in ended.stderr


def test_sink_that_does_not_answer_is_left(tesseract: Tesseract, sinks: Mapping[str, str]) -> None:
    """The command gives its result at once, and ends soon, whatever the sink does."""
    constants = {"runtime_core.cli.context.SECONDS_FOR_SINKS": 0.1}
    arguments = ("--log-to", "hangs:x", "apply", PAYLOAD)
    with started(tesseract(LOGGING), *arguments, environment=sinks, constants=constants) as process:
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (0, '{"y":1}\n')
    assert "hangs:x (tesseract-runtime-sinks 0.3) has not taken all in 0.1 s. " in stderr


@pytest.mark.parametrize("command", ["health", "input-schema", "check"])
def test_other_commands_leave_no_files(
    cli: Cli, tesseract: Tesseract, tmp_path: Path, command: str
) -> None:
    """A command that computes nothing creates no folder."""
    assert cli("--api-path", str(tesseract(LOGGING)), command).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["tesseract"]
