"""Names for authors of Tesseracts, and the class `Tesseract` that calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_core.version import __version__
    from tesseract_runtime_client import Tesseract

__all__ = ["Tesseract", "__version__"]

__getattr__, __dir__ = lazy_exports(
    __name__, {"tesseract_runtime_client": ["Tesseract"], "tesseract_core.version": ["__version__"]}
)
