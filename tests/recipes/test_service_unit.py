"""The unit of systemd."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import SECONDS
from tests.ports import free_port
from tests.programs import needs_program
from tests.recipes.recipe import INPUTS, MODEL, recipe
from tests.server.conftest import ANNOUNCEMENT, Client, Log, running


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the file of the unit, whose model and environment are in a folder of the test."""
    (tmp_path / "venv").symlink_to(sys.prefix)
    (tmp_path / "tesseract_api.py").symlink_to(MODEL / "tesseract_api.py")
    places = {"/opt/model": tmp_path, "/var/lib/model": tmp_path / "runs", "8000": free_port()}
    path = tmp_path / "model.service"
    path.write_text(recipe("model.service", places))
    return path


def test_systemd_accepts_the_unit(unit: Path) -> None:
    """Systemd knows every line, and finds the program."""
    systemd = needs_program("systemd-analyze", package="systemd")
    verified = subprocess.run(
        [systemd, "verify", "--man=no", unit], capture_output=True, text=True, timeout=SECONDS
    )
    assert verified.stderr == ""
    assert verified.returncode == 0


def test_unit_starts_and_ends_a_server(unit: Path) -> None:
    """The program of the unit serves with its variables, and ends well at SIGTERM."""
    text = unit.read_text()
    [line] = re.findall("^ExecStart=(.*)", text, re.MULTILINE)
    variables = dict(re.findall(r"^Environment=(\w+)=(.*)", text, re.MULTILINE))
    with running(shlex.split(line), environment=variables, folder=unit.parent) as process:
        port = int(Log(process).wait_for(ANNOUNCEMENT)[3])
        assert Client(port=port).apply(INPUTS).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
