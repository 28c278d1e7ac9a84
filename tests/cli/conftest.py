"""The command line in this process, where only messages and exit codes matter."""

from __future__ import annotations

import os
import textwrap
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

Plug = Callable[[str], dict[str, str]]


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


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Return a function that installs a plugin, for programs with the returned environment."""

    def install(source: str) -> dict[str, str]:
        site = tmp_path / "site"
        facts = site / "acme_plugin-1.0.dist-info"
        facts.mkdir(parents=True)
        (site / "acme_plugin.py").write_text(textwrap.dedent(source), encoding="utf-8")
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugin\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text("[tesseract_runtime]\nacme = acme_plugin\n")
        monkeypatch.syspath_prepend(site)
        return {"PYTHONPATH": str(site)}

    return install
