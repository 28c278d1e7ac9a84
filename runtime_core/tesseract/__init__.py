"""The author's file: importing it, and separating its errors from those of the runtime."""

from runtime_core.tesseract.api import (
    TesseractApi,
    load_tesseract,
    mark_author_errors,
    tesseract_of,
)
from runtime_core.tesseract.module_clashes import forget_modules

__all__ = ["TesseractApi", "forget_modules", "load_tesseract", "mark_author_errors", "tesseract_of"]
