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
from pathlib import Path

import pytest

from runtime_core.errors import ExecutorFailed, GradientFailed
from runtime_core.testing import ExecutorConformance
from tests.engines.conftest import SOURCE, Make, jacobian
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
    ("noted", "problem"),
    [(None, "this machine is not a node of a cluster"), ("127.0.0.1:1", "nothing answers at")],
)
def test_the_cluster_of_this_machine_is_not_awaited(
    made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noted: str | None, problem: str
) -> None:
    """What Ray has noted about one that has ended is an error at once."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    if noted is not None:
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(noted)
    with pytest.raises(ExecutorFailed, match=rf"^--executor ray://auto: {problem} ?.*\. Start "):
        made("ray://auto").executor.current()


NAMING = SOURCE.replace(
    "    if inputs.notes:",
    "    import ray\n    raise ValueError(ray.get_runtime_context().get_task_name())\n"
    "    if inputs.notes:",
)


def test_tasks_have_the_name_of_the_tesseract(made: Make) -> None:
    """Dashboards show it."""
    with pytest.raises(GradientFailed, match="ValueError: beam"):
        jacobian(made("ray://local?workers=1", NAMING, name="beam"))


def test_a_cluster_is_named_by_its_address(made: Make, address: str) -> None:
    """It gives the bits of `serial`."""
    assert jacobian(made(f"ray://{address}")) == jacobian(made("serial"))
