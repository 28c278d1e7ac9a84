"""The two sides of a comparison: this runtime, and the original in its own environment."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ORIGINAL = "tesseract-core[runtime]==1.15.0"
ORIGINAL_SIDE = "original"
MODEL = Path(__file__).with_name("model") / "tesseract_api.py"


@dataclass(frozen=True, kw_only=True)
class Side:
    """An environment with a runtime in it."""

    name: str
    python: Path

    @property
    def command(self) -> str:
        """The path of the command line."""
        return str(self.python.with_name("tesseract-runtime"))


def our_side() -> Side:
    """Return the environment that runs this script."""
    return Side(name="this runtime", python=Path(sys.executable))


def original_side() -> Side:
    """Install the original into an environment of its own, once, and return it."""
    folder = Path(".nox") / "original"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", ORIGINAL], check=True)
    site = next(folder.glob("lib/*/site-packages"))
    subprocess.run([str(python), "-m", "compileall", "-q", str(site)], check=False)
    return Side(name=ORIGINAL_SIDE, python=python.absolute())
