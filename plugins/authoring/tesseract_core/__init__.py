"""Names for authors of Tesseracts, and the class `Tesseract` that calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tesseract_core.runtime.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_runtime_client import Tesseract

__all__ = ["Tesseract"]

__getattr__ = lazy_exports(__name__, {"Tesseract": "tesseract_runtime_client"})


def __dir__() -> list[str]:
    return __all__
