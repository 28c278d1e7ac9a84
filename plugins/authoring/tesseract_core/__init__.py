"""The names that authors of Tesseracts import, and the `Tesseract` that calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tesseract_core.runtime.handed_on import handed_on

if TYPE_CHECKING:
    from tesseract_runtime_client import Tesseract

__all__ = ["Tesseract"]

__getattr__ = handed_on(__name__, {"Tesseract": "tesseract_runtime_client"})


def __dir__() -> list[str]:
    return __all__
