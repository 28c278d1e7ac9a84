"""The scope in which the command runs a case: its configuration, and the files it may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime_core.calls import Scope
from runtime_core.config import CORE_OPTIONS, dump, resolve
from runtime_core.contracts import Run
from runtime_core.files import is_url, join
from runtime_core.run_logs import new_run_id
from runtime_core.runtime import Runtime, local_runtime

_USED = set(CORE_OPTIONS) - {"api_path", "gradient_backend"}  # the Tesseract is loaded already
_PATHS = ("input_path", "output_path")


def case_scope(runtime: Runtime, endpoint: str, options: Mapping[str, Any], *, file: str) -> Scope:
    """Return the scope of a case whose `cli_config` is `options`; its logs are dropped.

    Relative paths among the options start from the folder of the case's file. Raises
    `InvalidOption` for an invalid value.
    """
    config = runtime.config
    flags = {
        option: _absolute(value, file) if option in _PATHS else value
        for option, value in options.items()
        if option in _USED and value is not None
    }
    if flags:
        config = resolve(runtime.catalog, flags={**dump(config), **flags}, environment={})
    run = Run(id=new_run_id(), endpoint=endpoint, kept=False)
    return local_runtime(runtime.catalog, config).scope(run)


def _absolute(path: object, file: str) -> object:
    if not isinstance(path, str) or is_url(path):
        return path
    return join(file.rpartition("/")[0] if is_url(file) else str(Path(file).parent), path)
