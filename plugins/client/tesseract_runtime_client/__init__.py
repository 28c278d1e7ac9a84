"""Calling Tesseracts from Python, wherever they run."""

from tesseract_runtime_client.errors import TesseractFailed, Unreachable, ValidationError
from tesseract_runtime_client.tesseract import Tesseract

__all__ = ["Tesseract", "TesseractFailed", "Unreachable", "ValidationError"]
