"""`InputPath` and `OutputPath`, which are paths for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

__all__ = ["InputPath", "OutputPath"]

if TYPE_CHECKING:
    from pathlib import Path

    InputPath: TypeAlias = Path
    OutputPath: TypeAlias = Path
else:
    from tesseract_runtime_authoring.path_types import InputPath, OutputPath
