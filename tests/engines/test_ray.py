"""Evaluations on clusters of Ray."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.errors import GradientFailed, InvalidOption
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.testing import ExecutorConformance
from tests.engines.conftest import SOURCE, Make, children, jacobian, killed
from tests.patience import SECONDS, wait_until


class TestLocalCluster(ExecutorConformance):
    """A cluster that the plugin starts."""

    target = "ray://local?workers=2"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Return the address of the client server of a cluster that others operate."""
    folder = tempfile.mkdtemp(prefix="ray-")  # paths of sockets must be short
    ports = free_ports(2)
    options = ["--head", "--block", "--num-cpus=2", "--include-dashboard=false"]
    places = [f"--port={ports[0]}", f"--ray-client-server-port={ports[1]}"]
    cluster = subprocess.Popen(
        [str(Path(sys.executable).with_name("ray")), "start", *options, *places],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: is_open(ports[1]))
        yield f"127.0.0.1:{ports[1]}"
    finally:
        cluster.send_signal(signal.SIGTERM)
        cluster.wait(SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(number: int) -> list[int]:
    """Return ports on which nothing listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def is_open(port: int) -> bool:
    """Check whether something listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    "target",
    [
        "ray:",
        "ray://",
        "ray://host",
        "ray://host:99999",
        "ray://[host:1",
        "ray://local?workers=0",
        "ray://local?w=2",
    ],
)
def test_invalid_targets_are_refused(catalog: Catalog, target: str) -> None:
    """The message has the forms of a target."""
    with pytest.raises(InvalidOption, match=r"is not valid: expected ray://HOST:PORT, "):
        ChosenExecutor.of(catalog, RuntimeConfig(executor=target))


NAMING = SOURCE.replace(
    "    if inputs.notes:",
    "    import ray\n    raise ValueError(ray.get_runtime_context().get_task_name())\n"
    "    if inputs.notes:",
)


def test_tasks_have_the_name_of_the_tesseract(made: Make) -> None:
    """Dashboards show it."""
    with pytest.raises(GradientFailed, match="ValueError: beam"):
        jacobian(made("ray://local?workers=1", NAMING, name="beam"))


def test_a_cluster_of_ours_listens_on_this_machine_alone(made: Make) -> None:
    """No socket of its processes is open to others, and none is left."""
    before = set(children())
    runtime = made("ray://local?workers=1")
    jacobian(runtime)
    processes = [psutil.Process(), *children()]
    connections = [each for process in processes for each in process.net_connections("inet")]
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    runtime.executor.close()
    wait_until(lambda: set(children()) <= before)


@pytest.mark.parametrize("most", [1, 2])
def test_workers_may_be_killed(made: Make, tmp_path: Path, most: int) -> None:
    """The right Jacobian comes out of one that lost its workers in the middle."""
    notes = tmp_path / "notes"
    notes.mkdir()
    expected = jacobian(made("serial"))
    runtime = made("ray://local?workers=2")
    jacobian(runtime)
    with ThreadPoolExecutor(1) as thread:
        killing = thread.submit(killed, notes, most=most)
        assert jacobian(runtime, notes=str(notes)) == expected
        killing.result()


def test_a_cluster_is_named_by_its_address(made: Make, address: str) -> None:
    """It gives the bits of `serial`."""
    assert jacobian(made(f"ray://{address}")) == jacobian(made("serial"))
