"""The environments of the sides: this one, and one for each peer, installed on first use."""

from __future__ import annotations

import compileall
import subprocess
import sys
import sysconfig
from functools import cached_property
from pathlib import Path

_FOLDER = Path(".nox")
_ORIGINAL = "tesseract-core[runtime]==1.15.0"
_PEERS = ("umbridge==1.2.10", "uvicorn[standard]")


class Environments:
    """The Python interpreters of the sides, with their modules compiled."""

    def __init__(self, *, with_original: bool) -> None:
        self._with_original = with_original

    @cached_property
    def ours(self) -> Path:
        """The interpreter that runs the studies."""
        for folder in (sysconfig.get_path("purelib"), "runtime_core", "plugins"):
            compileall.compile_dir(folder, quiet=2, workers=0)
        return Path(sys.executable)

    @cached_property
    def peers(self) -> Path:
        """The interpreter of UM-Bridge and of a bare uvicorn."""
        return _installed("peers", *_PEERS)

    @cached_property
    def original(self) -> Path | None:
        """The interpreter of the original, if it is to be measured."""
        return _installed("original", _ORIGINAL) if self._with_original else None


def runtime(python: Path) -> str:
    """Return the path of the command line of an environment."""
    return str(python.with_name("tesseract-runtime"))


def version(python: Path, distribution: str) -> str:
    """Return the version of a distribution in an environment."""
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    return subprocess.check_output([str(python), "-c", code], text=True).strip()


def _installed(name: str, *requirements: str) -> Path:
    folder = _FOLDER / name
    python = (folder / "bin" / "python").absolute()
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True)
    site = next(folder.glob("lib/*/site-packages"))
    subprocess.run([str(python), "-m", "compileall", "-q", str(site)], check=False)
    return python
