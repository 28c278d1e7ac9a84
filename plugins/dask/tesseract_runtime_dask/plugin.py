"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import ExecutorProvider, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def executors() -> Iterable[ExecutorProvider]:
    """Provide the executor."""
    yield ExecutorProvider(
        name="dask",
        summary="A cluster of Dask: dask://HOST:PORT, dask+file://PATH, dask://local?workers=N.",
        schemes=("dask", "dask+file"),
        open=lazy_call("tesseract_runtime_dask.cluster:open_cluster"),
        copies=lazy_call("tesseract_runtime_dask.target:copies"),
    )
