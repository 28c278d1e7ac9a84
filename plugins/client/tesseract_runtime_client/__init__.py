"""Calling Tesseracts from Python, wherever they run."""

from tesseract_runtime_client.errors import (
    NoReference,
    NotSupported,
    TesseractFailed,
    Unreachable,
    ValidationError,
)
from tesseract_runtime_client.outcomes import Outcome
from tesseract_runtime_client.result import Result
from tesseract_runtime_client.tesseract import Tesseract

__all__ = [
    "NoReference",
    "NotSupported",
    "Outcome",
    "Result",
    "Tesseract",
    "TesseractFailed",
    "Unreachable",
    "ValidationError",
]
