"""The surroundings of the trials of plugins: a small Tesseract, and what serves it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime_core import Runtime
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.runtime import local_runtime
from runtime_core.testing import serving

SOURCE = """
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

deterministic = True

class InputSchema(BaseModel):
    x: Differentiable[Array[(2,), Float64]]

class OutputSchema(BaseModel):
    y: Differentiable[Array[(2,), Float64]]

def apply(inputs):
    return OutputSchema(y=inputs.x**2)
"""

INPUTS: Mapping[str, Any] = {"x": [1.0, 2.0]}


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """A Tesseract in a temporary folder, with the options of the user."""

    catalog: Catalog
    flags: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path

    @cached_property
    def api_path(self) -> str:
        """The file of the Tesseract."""
        path = self.folder / "tesseract_api.py"
        path.write_text(SOURCE, encoding="utf-8")
        return str(path)

    def runtime(self, **flags: Any) -> Runtime:
        """Return the Tesseract with other options than the user's."""
        return local_runtime(self.catalog, self.config(**flags))

    def config(self, **flags: Any) -> RuntimeConfig:
        """Return the options of the user with others."""
        own = {"api_path": self.api_path}
        own |= dict.fromkeys(("input_path", "output_path"), str(self.folder))
        return resolve(
            self.catalog, flags={**self.flags, **own, **flags}, environment=self.environment
        )

    @cached_property
    def faults_of_service(self) -> Sequence[str]:
        """The faults that a server of the Tesseract has reported."""
        program = [sys.executable, "-m", "runtime_core", "--api-path", self.api_path]
        with serving(
            [*program, "serve", "--in-process"],
            self.folder / "server.log",
            cwd=self.folder,
            env={**os.environ, **self.environment},
        ) as served:
            faults: Sequence[str] = served.ask("/plugins").json()["faults"]
        return faults
