"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ExecutorProvider, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def executors() -> Iterable[ExecutorProvider]:
    """Provide the executor."""
    yield ExecutorProvider(
        name="ray",
        summary="A cluster of Ray: ray://HOST:PORT, ray://auto, ray://local?workers=N.",
        schemes=("ray",),
        open=lazy_call("tesseract_runtime_ray.cluster:open_cluster"),
        copies=lazy_call("tesseract_runtime_ray.target:copies"),
    )
