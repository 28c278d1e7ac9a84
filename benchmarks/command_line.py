"""Whole processes of the command line."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time

from benchmarks.sides import MODEL, Side

_PAYLOAD = '{"inputs": {"x": [1.0, 2.0, 3.0]}}'


def apply(side: Side) -> float:
    """Return the seconds of an apply of three numbers."""
    return _seconds(side, "apply", _PAYLOAD)


def health(side: Side) -> float:
    """Return the seconds of the command that needs no Tesseract."""
    return _seconds(side, "health")


def help_text(side: Side) -> float:
    """Return the seconds of the list of commands."""
    return _seconds(side, "--help")


def _seconds(side: Side, *arguments: str) -> float:
    environment = {**os.environ, "TESSERACT_API_PATH": str(MODEL)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [side.command, *arguments], check=True, capture_output=True, env=environment, cwd=folder
        )
        return time.perf_counter() - start
