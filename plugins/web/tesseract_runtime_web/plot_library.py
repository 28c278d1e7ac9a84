"""plotly.js, which the distribution `plotly` carries."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Self

_FILE = "plotly/package_data/plotly.min.js"


@dataclass(frozen=True)
class PlotLibrary:
    """The file of plotly.js and its path in URLs, which has the version: browsers keep it."""

    file: Path
    path: str

    @classmethod
    def installed(cls) -> Self:
        """Find the file without importing `plotly`, which takes a second."""
        plotly = distribution("plotly")
        return cls(Path(str(plotly.locate_file(_FILE))), f"/web/plotly-{plotly.version}.min.js")

    def compressed(self) -> bytes:
        """Return the file as gzip, made for the first browser that needs it."""
        return _compressed(self.file)


@cache
def _compressed(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 6, mtime=0)
