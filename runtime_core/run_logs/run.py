"""The run of a call: its id and its folder."""

from __future__ import annotations

import re
import uuid
from functools import lru_cache
from pathlib import Path

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Run
from runtime_core.errors import InvalidOption
from runtime_core.files import is_url

RUN_ID_PATTERN = r"^(?!.*\.\.)[A-Za-z0-9_.-]{1,128}$"
"""The regular expression (ECMA 262) of ids that can name a folder."""

EVALUATION = Run(id="evaluation", endpoint="apply", kept=False)
"""The run of the evaluations that make up a gradient."""


def new_run_id() -> str:
    """Return a new unique id."""
    return str(uuid.uuid4())


def checked_run_id(run_id: str) -> str:
    """Return a caller's run id if it can name a folder, else raise `InvalidOption`.

    >>> checked_run_id("fit-7.a")
    'fit-7.a'
    """
    if not re.fullmatch(RUN_ID_PATTERN, run_id) or "\n" in run_id:
        raise InvalidOption(
            f"run_id {run_id[:140]!r} is not valid: 1 to 128 letters, digits, '_', '.' and '-', "
            "and no '..'."
        )
    return run_id


def run_of(call: Call, config: RuntimeConfig) -> Run:
    """Return the run of a call; its folder lies in the output path."""
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
    # Logs are appended to, which needs a local disk.
    return Path() if is_url(output_path) else Path(output_path)
