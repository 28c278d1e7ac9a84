"""The record of a table: what it is the result of, so that only the same is resumed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from runtime_core.errors import InvalidOption, NotWritten, shortened
from runtime_core.files import write
from runtime_core.run_logs import new_run_id


def write_record(path: Path, facts: Mapping[str, Any]) -> None:
    """Write a record with a new id of the ensemble, which is the parent of its runs."""
    write(str(path), [to_json({"id": new_run_id(), "facts": facts}, indent=2), b"\n"])


def read_record(path: Path, facts: Mapping[str, Any], table: Path) -> str:
    """Return the id of an ensemble.

    Raises `InvalidOption` with the differences if other facts are recorded.
    """
    ensemble_id, before = _read(path)
    differences = [*_differences(before, from_json(to_json(facts)))]
    if differences:
        text = "\n  ".join(differences)
        raise InvalidOption(
            f"{str(table)!r} cannot be resumed, as other things are computed now:\n  {text}\n"
            "Replace it with --overwrite, or write another table."
        )
    return ensemble_id


def _read(path: Path) -> tuple[str, Mapping[str, Any]]:
    """Return the id and the facts of a record."""
    try:
        match from_json(path.read_bytes()):
            case {"id": str(ensemble_id), "facts": dict(facts)}:
                return ensemble_id, facts
    except ValueError:
        pass  # it is not JSON
    raise InvalidOption(
        f"{str(path)!r} does not say what is computed, as it was changed: replace the table with "
        "--overwrite, or write another one."
    )


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], place: str = ""
) -> Iterator[str]:
    """Yield a line about each fact that differs."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{place}{name}: ")
        elif old != new:
            yield f"{place}{name}: {_text(old)} before, {_text(new)} now"


def _text(value: Any) -> str:
    return "none" if value is None else shortened(value if isinstance(value, str) else repr(value))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other command write to the table of a record inside the `with`."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotWritten(f"Another command writes to the table of {str(path)!r}.") from None
    finally:
        os.close(file)
