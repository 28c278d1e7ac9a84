"""Start and end of a server."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.conftest import DOUBLE, WRITING, WRITTEN, Cli
from tests.patience import SECONDS
from tests.server.conftest import ANNOUNCEMENT, GATED, Client, Log, started, wait_until_gone

if TYPE_CHECKING:
    from tests.server.conftest import Gate, Serve, Served

Tesseract = Callable[..., Path]


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port on which another process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def serve_arguments(api_path: Path, *options: str) -> list[str]:
    """Return the arguments of `serve` for a Tesseract."""
    return ["--api-path", str(api_path), "serve", *options]


def test_port_in_use_is_one_line(cli_here: Cli, tesseract: Tesseract, taken: int) -> None:
    """A port in use is reported before anything is loaded."""
    ended = cli_here(*serve_arguments(tesseract("raise RuntimeError"), "-p", str(taken)))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: Cannot serve on 127.0.0.1:{taken}: Address already in use. "
        "Choose another with --port or --host.\n"
    )


def test_port_taken_while_loading_is_one_line(cli_here: Cli, tesseract: Tesseract) -> None:
    """A port that another server takes while the Tesseract loads is reported in the same way."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        source = f"""
import socket
other = socket.socket()
other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
other.bind(("127.0.0.1", {port}))
other.listen()
{DOUBLE}
"""
        ended = cli_here(*serve_arguments(tesseract(source), "-p", str(port)))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"Cannot serve on 127.0.0.1:{port}: Address already in use." in ended.stderr


@pytest.mark.parametrize("port", ["70000", "-1", "http", "80.5", ""])
def test_wrong_port_is_a_wrong_call(cli_here: Cli, tesseract: Tesseract, port: str) -> None:
    """A value that is not a valid port is refused by name, with the valid range."""
    ended = cli_here(*serve_arguments(tesseract(), f"--port={port}"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"--port={port!r}: a port is a number from 0 to 65535" in ended.stderr


@pytest.mark.parametrize("host", ["203.0.113.7", "no host"])
def test_wrong_host_is_a_wrong_call(cli_here: Cli, tesseract: Tesseract, host: str) -> None:
    """An address that this machine does not have is named in the error."""
    ended = cli_here(*serve_arguments(tesseract(), "-h", host, "-p", "0"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Error: Cannot serve on {host}:0: ")


@pytest.mark.parametrize("variable", ["TESSERACT_RUNTIME_PORT", "TESSERACT_RUNTIME_SERVE_PORT"])
def test_port_is_read_from_the_environment(
    cli_here: Cli, tesseract: Tesseract, taken: int, variable: str
) -> None:
    """The port of the variable is the one that is served on."""
    ended = cli_here(*serve_arguments(tesseract()), environment={variable: str(taken)})
    assert f"127.0.0.1:{taken}" in ended.stderr


def test_port_of_the_command_line_is_stronger(
    cli_here: Cli, tesseract: Tesseract, taken: int
) -> None:
    """An option overrules the environment."""
    environment = {"TESSERACT_RUNTIME_PORT": "not used"}
    ended = cli_here(*serve_arguments(tesseract(), "-p", str(taken)), environment=environment)
    assert f"127.0.0.1:{taken}" in ended.stderr


@pytest.mark.parametrize("variable", ["TESSERACT_RUNTIME_HOST", "TESSERACT_RUNTIME_SERVE_HOST"])
def test_host_is_read_from_the_environment(
    cli_here: Cli, tesseract: Tesseract, variable: str
) -> None:
    """The host of the variable is the one that is served on."""
    environment = {variable: "203.0.113.7"}
    ended = cli_here(*serve_arguments(tesseract(), "-p", "0"), environment=environment)
    assert "203.0.113.7:0" in ended.stderr


def test_port_that_kubernetes_sets_is_ignored(cli_here: Cli, tesseract: Tesseract) -> None:
    """A `tcp://...` value gives a warning and the default port."""
    environment = {"TESSERACT_RUNTIME_PORT": "tcp://10.0.0.1:8000"}
    ended = cli_here(*serve_arguments(tesseract(), "-h", "203.0.113.7"), environment=environment)
    assert "Warning: the port 'tcp://10.0.0.1:8000' is ignored" in ended.stderr
    assert "203.0.113.7:8000" in ended.stderr


def test_serve_has_the_defaults_of_its_page(cli_here: Cli, tesseract: Tesseract) -> None:
    """Help shows port 8000 and host 127.0.0.1; `-h` is the host there."""
    ended = cli_here(*serve_arguments(tesseract(), "--help"))
    assert ended.returncode == 0
    assert {"8000", "127.0.0.1"} <= {word.strip("[];,") for word in ended.stdout.split()}
    assert "-h, --host" in ended.stdout


def test_ipv6_is_served(serve: Serve, tesseract: Tesseract) -> None:
    """An IPv6 address is announced in brackets."""
    with started(tesseract(), "serve", "-h", "::1", "-p", "0") as process:
        port = int(Log(process).wait_for(r"Serving Tesseract on http://\[::1\]:(\d+) ")[1])
        with socket.create_connection(("::1", port), timeout=SECONDS) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")


def test_file_that_fails_ends_serve_with_the_author_s_error(
    cli_here: Cli, tesseract: Tesseract
) -> None:
    """An error of the import is shown with the author's frames, and serve exits with 1."""
    ended = cli_here(*serve_arguments(tesseract("import helper", helper="1 / 0"), "-p", "0"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "tesseract_api.py cannot be imported: ZeroDivisionError" in ended.stderr
    assert "helper.py" in ended.stderr
    assert "runtime_core" not in ended.stderr


def test_file_that_is_missing_ends_serve(cli_here: Cli, tmp_path: Path) -> None:
    """A missing file is a usage error, in one line."""
    ended = cli_here(*serve_arguments(tmp_path / "none.py", "-p", "0"))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f"No Tesseract at '{tmp_path / 'none.py'}'." in ended.stderr


def test_sys_exit_at_import_is_a_failure(cli_here: Cli, tesseract: Tesseract) -> None:
    """A file that exits with 0 during its import does not make serve succeed."""
    ended = cli_here(*serve_arguments(tesseract("import sys; sys.exit(0)"), "-p", "0"))
    assert ended.returncode == 1
    assert "tesseract_api.py cannot be imported: SystemExit: 0" in ended.stderr


def test_death_at_import_is_a_failure(cli_here: Cli, tesseract: Tesseract) -> None:
    """A process that ends while it loads the file is reported."""
    ended = cli_here(*serve_arguments(tesseract("import os; os._exit(5)"), "-p", "0"))
    assert ended.returncode == 1
    assert "exit code 5" in ended.stderr
    assert "during the call" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_an_idle_server(serve: Serve, number: signal.Signals) -> None:
    """On a signal a server and its worker end silently with exit code 0."""
    served = serve()
    workers = served.workers()
    served.process.send_signal(number)
    assert served.process.wait(SECONDS) == 0
    wait_until_gone(workers)
    assert served.log.wait_for_end().endswith("/docs\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_a_call_finish(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str], number: signal.Signals
) -> None:
    """A running call is answered before the server ends."""
    served = serve(GATED)
    workers = served.workers()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, gate_inputs)
        gate.wait_until_entered()
        served.process.send_signal(number)
        wait_until_refused(served)
        gate.open()
        assert call.result().json() == {"done": True}
    assert served.process.wait(SECONDS) == 0
    wait_until_gone(workers)


def wait_until_refused(served: Served) -> None:
    """Wait until a server takes no new connections, the first sign of its end."""
    for _ in range(10_000):
        try:
            served.get("/health")
        except OSError:
            return
    pytest.fail("the server still takes connections")


def test_signal_lets_waiting_calls_finish(
    serve: Serve, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """Waiting calls are answered before the server ends, too."""
    served = serve(GATED)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(served.apply, gate_inputs) for _ in range(2)]
        gate.wait_until_entered()
        served.process.terminate()
        gate.open()
        gate.open()
        answers = [call.result() for call in calls]
    assert {answer.status for answer in answers} <= {200, 503}
    assert 200 in {answer.status for answer in answers}
    assert served.process.wait(SECONDS) == 0


def test_second_ctrl_c_ends_a_call(serve: Serve, gate: Gate, gate_inputs: dict[str, str]) -> None:
    """A second signal does not wait for user code; its process is killed."""
    served = serve(GATED)
    workers = served.workers()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(served.apply, gate_inputs)
        gate.wait_until_entered()
        served.process.send_signal(signal.SIGINT)
        wait_until_refused(served)
        served.process.send_signal(signal.SIGINT)
        served.process.wait(SECONDS)
        wait_until_gone(workers)
        assert call.exception() is not None or call.result().status == 503
    assert "Traceback" not in served.log.wait_for_end()


BLOCKED = """
import os
os.write(os.open({entered!r}, os.O_WRONLY), b"x")
os.read(os.open({release!r}, os.O_RDONLY), 1)
"""
"""The source of a Tesseract that waits at a gate while it is imported."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signal_ends_a_server_that_loads(
    tesseract: Tesseract, gate: Gate, number: signal.Signals
) -> None:
    """A server that ends while it loads its Tesseract leaves neither process nor traceback."""
    source = BLOCKED.format(entered=str(gate.entered), release=str(gate.release))
    with started(tesseract(source), "serve", "-p", "0") as process:
        gate.wait_until_entered()
        workers = psutil.Process(process.pid).children()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=SECONDS)
        wait_until_gone(workers)
    assert workers
    assert "Traceback" not in stderr


def test_no_request_is_taken_before_the_tesseract_has_loaded(
    tesseract: Tesseract, gate: Gate
) -> None:
    """A connection is refused until the server is ready."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        source = BLOCKED.format(entered=str(gate.entered), release=str(gate.release)) + DOUBLE
        with started(tesseract(source), "serve", "-p", str(port)) as process:
            log = Log(process)
            gate.wait_until_entered()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
            gate.open()
            log.wait_for("Serving")
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()


def test_signal_right_after_the_announcement_is_heard(tesseract: Tesseract) -> None:
    """From its announcement on, a server ends with exit code 0 on a signal."""
    for _ in range(3):
        with started(tesseract(), "serve", "-p", "0") as process:
            Log(process).wait_for("Serving")
            process.terminate()
            try:
                assert process.wait(SECONDS) == 0
            except subprocess.TimeoutExpired:
                pytest.fail("the signal was lost")


def test_port_is_free_again_after_the_end(serve: Serve, tesseract: Tesseract, cli: Cli) -> None:
    """A new server can start at once on the port of an ended one."""
    served = serve()
    assert served.apply({"x": [1.0]}).status == 200
    served.end()
    with started(tesseract(), "serve", "-p", str(served.port)) as process:
        Log(process).wait_for(f"http://127.0.0.1:{served.port} ")


def test_serve_leaves_no_files(serve: Serve) -> None:
    """A server writes nothing to its working directory unless options say so."""
    served = serve()
    assert served.apply({"x": [1.0]}).status == 200
    folder = Path(psutil.Process(served.process.pid).cwd())
    served.end()
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"tesseract_api.py"}


@pytest.mark.parametrize("option", [(), ("--in-process",)])
def test_output_path_is_made_before_user_code_runs(
    serve: Serve, tmp_path: Path, option: tuple[str, ...]
) -> None:
    """The file may write there when it is imported, in `setup` and in `apply`."""
    out = tmp_path / "new" / "out"
    assert serve(WRITING, "--output-path", str(out), options=option).apply({}).status == 200
    assert {path.name for path in out.iterdir()} == WRITTEN


def test_changed_files_are_served_again(serve: Serve, tmp_path: Path) -> None:
    """With `--reload` a change is served; a file that cannot be loaded waits for the next one."""
    served = serve(DOUBLE, options=["--reload"])
    [path] = tmp_path.rglob("tesseract_api.py")
    path.write_text("import absent")
    served.log.wait_for("tesseract_api.py has changed: the service starts again")
    served.log.wait_for("(?s)absent.*Waiting for a change of a Python file in ")
    path.write_text(DOUBLE.replace("2", "3"))
    port = served.log.wait_for(f"(?s)Waiting.*{ANNOUNCEMENT}")[3]
    assert Client(port=int(port)).apply({"x": [1.0]}).json()["y"]["data"]["buffer"] == [3.0]
    children = psutil.Process(served.process.pid).children(recursive=True)
    assert served.end() == 0
    wait_until_gone(children)
