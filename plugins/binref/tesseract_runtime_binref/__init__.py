"""The array encoding binref, the document format that uses it, and arrays in files as results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from tesseract_runtime_binref.binref_array import BinrefArray, BinrefWriter

__all__ = ["BinrefArray", "BinrefWriter"]

__getattr__, __dir__ = lazy_exports(__name__, {".binref_array": __all__})
