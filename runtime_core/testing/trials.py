"""Documents on trial: read in a process of their own, which they may harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime_core.testing.echo import Echo

_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome of a document: the kind of its fault, and by how much the process has grown."""

    kind: str | None
    message: str
    grown: int

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.kind}, {self.grown / 1e6:.0f} MB ({self.message[:60]!r})"

    @property
    def refused(self) -> bool:
        """Whether the document was refused as its sender's mistake."""
        return self.kind in ("unreadable_document", "invalid_payload")


def trials(echo: Echo, documents: Sequence[bytes], folder: Path) -> list[Trial]:
    """Read documents one after another in one other process; `folder` is for their files."""
    paths = [folder / f"document_{number}" for number in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_bytes(document)
    program = [sys.executable, "-m", "runtime_core.testing.trial_process"]
    ended = subprocess.run(
        [*program, str(echo.folder), echo.format.name, *map(str, paths)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        timeout=_SECONDS,
        check=True,
    )
    return [Trial(**facts) for facts in json.loads(ended.stdout)]
