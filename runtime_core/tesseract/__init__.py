"""The author's file: loading it, and telling its errors from those of the runtime."""

from runtime_core.tesseract.api import TesseractApi, load_tesseract, tesseract_of

__all__ = ["TesseractApi", "load_tesseract", "tesseract_of"]
