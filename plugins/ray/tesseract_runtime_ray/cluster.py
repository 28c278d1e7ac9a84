"""The cluster of a target: an existing one, or a new one on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runtime_core.config import RuntimeConfig
from tesseract_runtime_ray.target import Target, parse_target

if TYPE_CHECKING:
    from tesseract_runtime_ray.executor import RayExecutor

_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent elsewhere
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a node of this machine alone, at 127.0.0.1
}
"""Variables that Ray reads when it is imported and when it starts a cluster."""


@contextmanager
def open_cluster(target: str, config: RuntimeConfig) -> Iterator[RayExecutor]:
    """Connect to the cluster of a target, or start one; tasks are named after the Tesseract.

    A process has one connection to Ray: that of user code is used, and left open. Raises
    `InvalidOption` for an invalid target, and errors of Ray if no cluster answers.
    """
    options = _options(parse_target(target))
    # It imports Ray, which reads the variables then.
    import ray

    from tesseract_runtime_ray.executor import RayExecutor

    if ray.is_initialized():
        yield RayExecutor(config.name)
        return
    ray.init(**options, log_to_driver=False, logging_level="ERROR")
    try:
        yield RayExecutor(config.name)
    finally:
        ray.shutdown()


def _options(target: Target) -> dict[str, Any]:
    if target.workers is None:
        return {"address": target.address}
    os.environ.update(_VARIABLES)
    here = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    return {"address": "local", "num_cpus": target.workers, **here}
