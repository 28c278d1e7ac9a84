"""The run of a call, and where its files are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call
from runtime_core.files import is_url
from runtime_core.runs import Run


def run_of(call: Call, config: RuntimeConfig) -> Run:
    """Return the run of a call.

    Its folder lies in the output path; logs can only be appended to on a local disk, so that it
    lies in the working directory where the output path is a URL.
    """
    root = _root(call.output_path or config.output_path)
    return Run(
        id=call.run_id,
        endpoint=call.endpoint,
        parent_id=call.parent_run_id,
        folder=root.absolute() / call.output_folder,
        name=config.name,
        version=config.version,
    )


@lru_cache(16)  # a service has few output paths, and many calls
def _root(output_path: str) -> Path:
    return Path() if is_url(output_path) else Path(output_path)
