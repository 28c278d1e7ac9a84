"""The run of a call or of an evaluation: its id and its folder."""

from __future__ import annotations

import os
import re
import shutil
from functools import lru_cache
from pathlib import Path

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Call, Run
from runtime_core.errors import InvalidOption, NotWritten, RunActive
from runtime_core.files import is_url

RUN_ID_PATTERN = r"^(?!.*\.\.)[A-Za-z0-9_.-]{1,128}$"
"""The regular expression (ECMA 262) of ids that can name a folder."""


def new_run_id() -> str:
    """Return a new unique id."""
    digits = os.urandom(16).hex()
    # A random UUID, in a third of the time of `uuid.uuid4`: version 4, variant 8 (RFC 9562).
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def checked_run_id(run_id: str) -> str:
    """Return a caller's run id if it can name a folder, else raise `InvalidOption`.

    >>> checked_run_id("fit-7.a")
    'fit-7.a'
    """
    if not is_run_id(run_id):
        raise InvalidOption(
            f"run_id {run_id[:140]!r} is not valid: 1 to 128 letters, digits, '_', '.' and '-', "
            "and no '..'."
        )
    return run_id


def is_run_id(text: str) -> bool:
    """Check whether a text can name a run and its folder."""
    return "\n" not in text and re.fullmatch(RUN_ID_PATTERN, text) is not None


def run_of(call: Call, config: RuntimeConfig) -> Run:
    """Return the run of a call; its folder lies in the output path."""
    output_path = call.output_path or config.output_path
    return Run(
        id=call.run_id,
        endpoint=call.endpoint,
        parent_id=call.parent_run_id,
        folder=(run_folder if call.kept else _unkept_folder)(call.run_id, output_path),
        name=config.name,
        version=config.version,
        kept=call.kept,
        caller=call.caller,
        metadata=call.metadata,
    )


def run_name(run_id: str) -> str:
    """Return the name of the folder of a run."""
    return f"run_{run_id}"


def run_folder(run_id: str, output_path: str) -> Path:
    """Return the folder of a run in an output path."""
    return _root(output_path).absolute() / run_name(run_id)


def unlogged_run(endpoint: str, config: RuntimeConfig) -> Run:
    """Return a new run whose records are dropped; its files are kept."""
    run_id = new_run_id()
    folder = run_folder(run_id, config.output_path)
    return Run(id=run_id, endpoint=endpoint, folder=folder, kept=False)


def new_evaluation(place: Path) -> Run:
    """Return the run of evaluations of `apply` for a gradient, with a folder in `place`.

    Its records are dropped; `remove_files` is called after each evaluation.
    """
    run_id = new_run_id()
    folder = _unkept_folder(run_id, os.fspath(place))
    return Run(id=run_id, endpoint="apply", folder=folder, kept=False)


def _unkept_folder(run_id: str, output_path: str) -> Path:
    return _root(output_path).absolute() / f"evaluation_{run_id}"


def remove_files(run: Run) -> None:
    """Remove the folder of a run, if it has been made."""
    if run.folder.is_dir():
        shutil.rmtree(run.folder, ignore_errors=True)


def remove_earlier(run: Run) -> None:
    """Remove the folder of an earlier run of the same id, which has ended.

    It is renamed first, so that its files are never mixed with those of the new run. Raises
    `RunActive` for the id of the parent run, and `NotWritten` if the folder cannot be renamed.
    """
    if run.id == run.parent_id:
        raise RunActive(run.id)
    if not os.path.lexists(run.folder):
        return
    aside = run.folder.with_name(f".{run.folder.name}.{os.urandom(8).hex()}")
    try:
        run.folder.rename(aside)
    except OSError as error:
        raise NotWritten(
            f"The folder of the earlier run {run.id!r} cannot be replaced: {error.strerror}."
        ) from None
    shutil.rmtree(aside, ignore_errors=True)


@lru_cache(16)  # a service has few output paths, and many calls
def _root(output_path: str) -> Path:
    # Logs are appended to, which needs a local disk.
    return Path() if is_url(output_path) else Path(output_path)
