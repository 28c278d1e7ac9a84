"""A shell with the programs of a fresh virtual environment, in which lines of the docs run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from uv import find_uv_bin

from tests.conftest import clean_environment
from tests.patience import SECONDS

PIP = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_QUIET": "1",
}
"""What keeps pip from asking and from saying more than what went wrong."""


class Shell:
    """Runs lines of the documentation with the programs of a fresh virtual environment first."""

    def __init__(self, venv: Path) -> None:
        self._venv = venv
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its lines."""
        programs = [str(self._venv / "bin"), str(Path(find_uv_bin()).parent), "/usr/bin", "/bin"]
        others = ("PYTHONPATH", "UV_")  # nox has uv install into the environment of the session
        plain = {k: v for k, v in clean_environment().items() if not k.startswith(others)}
        return {**plain, **PIP, "PATH": ":".join(programs), "VIRTUAL_ENV": str(self._venv)}

    def run(
        self,
        line: str,
        folder: Path,
        *,
        status: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run a line in a folder, and return all that it prints."""
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env={**self.environment, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10 * SECONDS,
        )
        assert ended.returncode == status, ended.stdout
        return ended.stdout
