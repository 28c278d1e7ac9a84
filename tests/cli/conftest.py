"""The command line in this process, where only messages and exit codes matter."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime_core.cli.entry_point import run


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The outcome of a command."""

    code: int
    stdout: str
    stderr: str


Here = Callable[..., Ended]


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Here:
    """Return a function that runs a command in this process, in an empty folder.

    What user code prints may be mixed with the result here; tests of the streams start processes.
    """
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if "TESSERACT" in name:
            monkeypatch.delenv(name)

    def run_here(*arguments: str) -> Ended:
        capfd.readouterr()
        code = run(arguments, os.environ)
        stdout, stderr = capfd.readouterr()
        return Ended(code=code, stdout=stdout, stderr=stderr)

    return run_here
