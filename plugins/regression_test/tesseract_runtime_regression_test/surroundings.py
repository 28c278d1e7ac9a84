"""The scope in which the command runs a case: its configuration, and the files it may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_core.calls.scope import Scope
from runtime_core.config import CORE_OPTIONS, RuntimeConfig, dump, resolve
from runtime_core.files import is_url, join
from runtime_core.runs import Run, new_run_id
from runtime_core.runtime import Runtime, local_runtime

_LOADED = ("api_path", "gradient_backend")  # what a loaded Tesseract was made with stays
_PATHS = ("input_path", "output_path")


def case_scope(runtime: Runtime, endpoint: str, options: Mapping[str, Any], *, file: str) -> Scope:
    """Return the scope of a case whose `cli_config` is `options`; what it logs is dropped.

    Relative paths among the options start from the folder of the case's file. Raises
    `InvalidOption` for a value that an option cannot have.
    """
    config = _configured(runtime, options, file)
    run = Run(id=new_run_id(), endpoint=endpoint, kept=False)
    return local_runtime(runtime.catalog, config).scope(run)


def _configured(runtime: Runtime, options: Mapping[str, Any], file: str) -> RuntimeConfig:
    flags = {
        option: _placed(value, file) if option in _PATHS else value
        for option, value in options.items()
        if option in CORE_OPTIONS and option not in _LOADED and value is not None
    }
    if not flags:
        return runtime.config
    return resolve(runtime.catalog, flags={**dump(runtime.config), **flags}, environment={})


def _placed(path: object, file: str) -> object:
    """Return a path as seen from the folder of a file."""
    if not isinstance(path, str) or is_url(path):
        return path
    folder = file.rpartition("/")[0] if is_url(file) else str(Path(file).parent)
    return join(folder, path)
