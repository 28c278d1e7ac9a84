"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import CallWrapper, Settings, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the options `--memo`, `--memo-force` and `--memo-bytes`."""
    yield Settings(
        name="memo",
        summary="Results that are kept and found again.",
        load=lazy_object("tesseract_runtime_memo.settings:MemoSettings"),
    )


@hookimpl
def call_wrappers() -> Iterable[CallWrapper]:
    """Provide the wrapper that finds results."""
    yield CallWrapper(
        name="memo",
        summary="Results of deterministic files, with --memo.",
        wrap=lazy_call("tesseract_runtime_memo.wrapper:wrap"),
    )
