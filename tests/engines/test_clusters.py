"""What the executors of Dask and Ray have in common: their targets and their clusters."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import clusters
from runtime_core.cores import usable_cores
from runtime_core.errors import ExecutorFailed, InvalidOption
from runtime_core.executors.chosen_executor import ChosenExecutor
from tests.conftest import clean_environment
from tests.engines.conftest import SOURCE, Make, children, jacobian, killed
from tests.patience import SECONDS, wait_until


@pytest.fixture(params=["dask", "ray"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Return the scheme of an engine."""
    scheme: str = request.param
    return scheme


@pytest.mark.parametrize(
    "rest",
    ["", "//", "//host", "//host:99999", "//[host:1", "//local?workers=0", "//local?w=2"],
)
def test_invalid_targets_are_refused(catalog: Catalog, scheme: str, rest: str) -> None:
    """The message has the forms of a target."""
    with pytest.raises(InvalidOption, match=rf"is not valid: expected {scheme}://HOST:PORT, "):
        ChosenExecutor.of(catalog, RuntimeConfig(executor=f"{scheme}:{rest}"))


@pytest.mark.parametrize(
    ("rest", "copies"), [("local?workers=3", 3), ("local", usable_cores()), ("host:7000", 0)]
)
def test_local_workers_load_the_tesseract_here(
    catalog: Catalog, scheme: str, rest: str, copies: int
) -> None:
    """Without a number there is one for each core that this process may use."""
    chosen = ChosenExecutor.of(catalog, RuntimeConfig(executor=f"{scheme}://{rest}"))
    assert chosen.copies == copies


def test_an_unreachable_cluster_is_named(made: Make, scheme: str) -> None:
    """The message comes at once, with the next step."""
    text = rf"^--executor {scheme}://127\.0\.0\.1:1: nothing answers at 127\.0\.0\.1:1 .*\. Start "
    with pytest.raises(ExecutorFailed, match=text):
        made(f"{scheme}://127.0.0.1:1").executor.current()


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_another_program_at_the_address_is_named(
    made: Make, scheme: str, greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engines themselves wait long for one that speaks otherwise, or only when it is asked."""
    monkeypatch.setattr(clusters, "_SECONDS_TO_GREET", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:
        accepted = thread.submit(accept, server, greeting)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        text = rf"^--executor {scheme}://{address}: another program listens at {address}, .*Start "
        with pytest.raises(ExecutorFailed, match=text):
            made(f"{scheme}://{address}").executor.current()
        accepted.result().close()


def accept(server: socket.socket, greeting: bytes) -> socket.socket:
    """Accept a connection and greet."""
    connection, _ = server.accept()
    connection.sendall(greeting)
    return connection


def test_a_cluster_of_ours_listens_on_this_machine_alone(made: Make, scheme: str) -> None:
    """No socket of its processes is open to others, and none is left."""
    before = set(children())
    runtime = made(f"{scheme}://local?workers=1")
    jacobian(runtime)
    processes = [psutil.Process(), *children()]
    connections = [each for process in processes for each in process.net_connections("inet")]
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    runtime.executor.close()
    wait_until(lambda: set(children()) <= before)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signals_end_a_command(
    tesseract: Callable[..., Path], tmp_path: Path, scheme: str, number: int, code: int
) -> None:
    """A terminal sends Ctrl-C to the processes of the cluster too; all end without a traceback."""
    notes = tmp_path / "notes"
    notes.mkdir()
    inputs = {"x": [1.0] * 500, "notes": str(notes)}
    payload = json.dumps({"inputs": inputs, "jac_inputs": ["x"], "jac_outputs": ["y"]})
    program = Path(sys.executable).with_name("tesseract-runtime")
    path = str(tesseract(SOURCE))
    options = ["--gradient-backend", "finite-differences", "--api-path", path]
    command = subprocess.Popen(
        [program, *options, "--executor", f"{scheme}://local?workers=1", "jacobian", payload],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_until(lambda: any(notes.iterdir()))
    processes = psutil.Process(command.pid).children(recursive=True)
    os.killpg(command.pid, number)
    stdout, stderr = command.communicate(timeout=SECONDS)
    assert (stdout, b"Traceback" in stderr, command.returncode) == (b"", False, code)
    wait_until(lambda: not any(each.is_running() for each in processes))


@pytest.mark.parametrize("most", [1, 2])
def test_workers_may_be_killed(made: Make, tmp_path: Path, scheme: str, most: int) -> None:
    """The right Jacobian comes out of one that lost its workers in the middle."""
    notes = tmp_path / "notes"
    notes.mkdir()
    expected = jacobian(made("serial"))
    runtime = made(f"{scheme}://local?workers=2")
    jacobian(runtime)
    with ThreadPoolExecutor(1) as thread:
        killing = thread.submit(killed, notes, most=most)
        assert jacobian(runtime, notes=str(notes)) == expected
        killing.result()
