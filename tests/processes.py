"""The tests that start processes, for the report of one that nothing has waited for."""

from __future__ import annotations

import os
import subprocess
import warnings
from typing import Any

_begin, _end = subprocess.Popen.__init__, subprocess.Popen.__del__


def name_their_tests() -> None:
    """Name the test that has started a process where Python warns that it is still running.

    It does so when the object is garbage, which is often in the middle of another test.
    """
    setattr(subprocess.Popen, "__init__", _begun)  # noqa: B010  # mypy does not let it be assigned
    setattr(subprocess.Popen, "__del__", _forgotten)  # noqa: B010


def _begun(process: Any, *arguments: Any, **options: Any) -> None:
    process.test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
    _begin(process, *arguments, **options)


def _forgotten(process: Any) -> None:
    try:
        if getattr(process, "_child_created", False) and process.returncode is None:
            text = f"{process.test} has started and not awaited: {process.args}"
            warnings.warn(text, ResourceWarning, stacklevel=2, source=process)
    finally:
        _end(process)
