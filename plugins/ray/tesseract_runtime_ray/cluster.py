"""The cluster of a target: an existing one, or a new one on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import require_listener
from runtime_core.errors import ExecutorFailed
from tesseract_runtime_ray.target import AUTO, parse_target

if TYPE_CHECKING:
    from tesseract_runtime_ray.executor import RayExecutor

_CLIENT = "ray://"  # begins the address of a client server

_SETTINGS = b"\x04\0\0\0\0\0"
"""The head of the first frame of a server of HTTP/2, after its length in three bytes."""

_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent elsewhere
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a node of this machine alone, at 127.0.0.1
}
"""Variables that Ray reads when it is imported and when it starts a cluster."""


@contextmanager
def open_cluster(target: str, config: RuntimeConfig) -> Iterator[RayExecutor]:
    """Connect to the cluster of a target, or start one; tasks are named after the Tesseract.

    A process has one connection to Ray: that of user code is used, and left open. Raises
    `InvalidOption` for an invalid target, and `ExecutorFailed` if no cluster answers.
    """
    options = _options(target)
    # It imports Ray, which reads the variables then.
    import ray

    from tesseract_runtime_ray.executor import RayExecutor

    if ray.is_initialized():
        yield RayExecutor(config.name)
        return
    with _handler_kept():
        ray.init(**options, log_to_driver=False, logging_level="ERROR")
    try:
        yield RayExecutor(config.name)
    finally:
        ray.shutdown()


@contextmanager
def _handler_kept() -> Iterator[None]:
    """Keep the program's handler of SIGTERM; that of Ray takes 30 seconds to end a process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if before is not None and signal.getsignal(signal.SIGTERM) is not before:
        signal.signal(signal.SIGTERM, before)


def _options(target: str) -> dict[str, Any]:
    """Return the options of a connection; `ExecutorFailed` if no cluster answers."""
    parsed = parse_target(target)
    if parsed.workers:
        os.environ.update(_VARIABLES)
        here = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
        return {"address": "local", "num_cpus": parsed.workers, **here}
    address = _cluster_of_machine(target) if target == AUTO else f"{_CLIENT}{parsed.address}"
    place = address.removeprefix(_CLIENT)
    advice = "Start the cluster, or name the address of one (its client server, at port 10001)."
    require_listener(target, place, advice, greets=None if _uses_tls() else _greets)
    return {"address": address}


def _uses_tls() -> bool:
    """Check as Ray does whether its connections are encrypted; then the client speaks first."""
    return os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true")


def _greets(data: bytes) -> bool:
    """Recognize a server of gRPC, which begins with its settings (RFC 9113, 3.4 and 6.5)."""
    return data[3:9] == _SETTINGS


def _cluster_of_machine(target: str) -> str:
    """Return the address of the cluster that this machine is a node of.

    Ray itself waits for minutes for one that has ended.
    """
    folder = os.environ.get("RAY_TMPDIR", "/tmp")  # noqa: S108  # Ray's own default
    noted = Path(folder, "ray", "ray_current_cluster")
    address = os.environ.get("RAY_ADDRESS") or (noted.read_text() if noted.is_file() else "")
    if not address:
        raise ExecutorFailed(
            f"--executor {target}: this machine is not a node of a cluster. Start one with "
            "`ray start --head`, or compute with ray://local."
        )
    return address.strip()
