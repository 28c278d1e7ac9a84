"""Whole processes: their time, their processor time and their result."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that has ended; processor time includes that of its children."""

    seconds: float
    processor_seconds: float
    output: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run a program in an empty folder."""
    variables = {**os.environ, **(environment or {})}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # else modules of scratch plugins are compiled
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=variables, cwd=folder, stdout=output, stderr=subprocess.PIPE
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors = process.communicate()[1]
        if process.returncode:
            raise RuntimeError(f"{command} failed: {errors.decode()[-1000:]}")
        output.seek(0)
        text = output.read().decode()
    used = usage.ru_utime + usage.ru_stime
    return Ended(seconds=seconds, processor_seconds=used, output=text)


def printed(python: Path, program: str, *arguments: str) -> Any:
    """Run a program that prints JSON."""
    return json.loads(run([str(python), "-c", program, *arguments]).output)
